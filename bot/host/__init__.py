"""What is seen of this host now: its figures, file systems, processes and boots."""
