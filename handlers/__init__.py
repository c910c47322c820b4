"""Slack: the only package that speaks it. Listeners are thin; blocks are pure functions."""
