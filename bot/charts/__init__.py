"""Figures over time as pictures: of one (`one.py`), of several (`many.py`), in columns.

The only door to matplotlib, which is imported when the first chart is drawn (1 s, 40 MB)
and used through its object interface: pyplot keeps global state and is not safe in
threads.
"""
