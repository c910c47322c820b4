"""What happened before: closed incidents and how to find them again. Knows no other package."""
