"""Reports: what the incidents of a while were, how fast they ended, and what it took.

`figures.py` has the words, `past.py` reads the record, `reckon.py` counts (pure),
`words.py` says it in lines, `picture.py` draws it, and `reports.py` is what others call.
"""
