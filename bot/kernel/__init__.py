"""What the kernel tells of the whole host, a file here for each file of /proc or /sys.

A reader is a function of `Roots` that returns a frozen value, counters as they are since
boot; `HostSampler.look` shares what it read among all who ask in the same instant. It
raises `OSError` as the kernel gives it and `ValueError` where the text is not understood.
"""
