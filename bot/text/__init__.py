"""How things are said: figures in words, text from outside made fit, secrets taken out."""
