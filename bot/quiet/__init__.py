"""What is not told, and why: mutes, maintenance, silences, false alarms, the digest."""
