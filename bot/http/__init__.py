"""HTTP in both directions: what the bot answers, and how it asks servers it does not trust."""
