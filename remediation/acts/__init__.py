"""Doing exactly what was approved, and seeing what came of it: processes, services, old files."""
