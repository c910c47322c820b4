"""The small part that has rights, and the way to it: on this host, or on another over SSH."""
