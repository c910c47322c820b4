"""`make bench-faults`: faults for real, beside work that is none; printed as a table."""
