"""Misbehaving processes of the demo. Each is a program of its own and ends by itself."""
