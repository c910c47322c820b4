"""Opinions about incidents; each way of forming one is a file."""
