"""What stays of an incident: its case in memory, its postmortem, what people said of it."""
