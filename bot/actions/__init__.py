"""From a condition to something done: what may be offered, what was decided, what it did."""
