"""Who is behind a condition: a process, a family, a unit; and work that was declared."""
