"""Who decided what, once: proposals, votes, claims and leases, and the chain of events."""
