"""Runbooks: Markdown files that say what a condition means and what to do.

They are data. Whatever a file holds, it is read within limits, named when it is
wrong, and neither executes nor approves anything.
"""
