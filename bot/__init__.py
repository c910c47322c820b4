"""The brain: watches, explains, proposes and carries out. Knows no Slack."""
