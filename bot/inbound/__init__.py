"""Alerts that other systems tell: Alertmanager, Grafana, whoever posts JSON.

`told.py` is one such alert, `messages.py` makes them of what was posted, `inbox.py` keeps
them until they are over. What is made of them is `detectors/alert.py`.
"""
