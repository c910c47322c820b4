"""Lines of logs around an onset: from this host's journal, and from Loki."""
