"""How long things are kept: copies, what goes by itself, and how it leaves as a document."""
