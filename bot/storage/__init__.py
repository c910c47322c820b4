"""The database: what is kept in it, and who of several bots may write."""
