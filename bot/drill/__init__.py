"""`/sre drill`: the whole path, from a card to an end, on a process that harms nobody.

The bot starts a child of its own (`child.py`, `sleeper.py`), a detector sees it
(`watching.py`), and everything after that is the code of every other incident.
"""
