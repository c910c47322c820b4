"""Alertmanager as the bot asks it: how its alerts stand, and its silences.

`standing.py` is what it answered, `server.py` asks. That mutes here and silences there go
together is `bot/quiet/in_step.py`.
"""
