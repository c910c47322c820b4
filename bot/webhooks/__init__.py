"""What other systems tell over HTTP. Without `COUNTERSIGN_WEBHOOK_TOKEN` none of it is there.

`door.py` lets in who bears the token, `changes.py` and `alerts.py` have the routes.
"""
