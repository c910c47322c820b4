"""How improbable a figure is, given its own past: one tail probability, for all figures.

Pure: numbers in, numbers out; nothing is read and no clock is asked. `surprise.py` has
the formula and tells it from the top; `bot/measuring/habits.py` feeds it on a host, and
`make bench-detect` scores the very same class on labelled series.
"""
