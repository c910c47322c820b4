"""Every concrete class meets here, and only here.

`parts` is what all commands share, `kit` what several parts are built from, `core` the
bot without Slack, `knowledge` what it knows beyond facts; `running` starts and stops its
threads. Tests build the same parts with fakes.
"""
