"""What every language model shares: the door to Gemini, what is spent, why none answered."""
