"""Runbooks for tests, as text."""

from pathlib import Path

GOOD = """\
---
title: A process runs away
conditions: [runaway_process, High-CPU]
services: []
symptoms:
  - one process spins
aliases: [runaway]
severity: critical
actions: [terminate, pause]
---
# A process runs away

## Look first

```sh
# no heading
top -b -n 1
```

## Steps

1. Look at it:
   `ps -p PID`
2. Approve *Terminate*.

## Afterwards

Write it down.
"""


def page_text(title: str, *conditions: str, more: str = "") -> str:
    """A small runbook without a problem."""
    listed = f"conditions: [{', '.join(conditions)}]\n" if conditions else ""
    return f"---\ntitle: {title}\n{listed}{more}---\n## Steps\n\n1. Look.\n"


def write(folder: Path, name: str, text: str | bytes) -> Path:
    """A file of the folder."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
