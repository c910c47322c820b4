"""What exactly: the identity of a process, a service or a file, and what the kernel says of it."""
