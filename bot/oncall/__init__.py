"""Who is called and whose it is: owners, escalation, the second approver, the pager."""
