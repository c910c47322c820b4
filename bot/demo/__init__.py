"""`countersign demo`: the whole story on one machine, with processes that misbehave."""
