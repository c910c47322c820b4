"""The team's rules for people: as they stand, in sentences, and when they changed."""
