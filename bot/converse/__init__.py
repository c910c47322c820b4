"""Talking with people: a question in words, an answer with its evidence.

Rules answer what they can (`intents.py` is the table of them); a model may word open
questions, knowing what the rules found. Nothing here writes: words never act.
"""
