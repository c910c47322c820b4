"""Acting safely: identity, policy, approval, ledger, signals. Knows no Slack and no detectors."""
