"""What is never touched, and what the team's rules say: each verdict names its rule. Pure."""
