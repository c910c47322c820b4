"""The words of `/sre …` and of a mention: what each does, and where it counts.

What they do stands in `commands.py`, a method for each word.
"""

import difflib
from collections.abc import Mapping

VERBS: Mapping[str, str] = {
    "status [HOST]": "how the hosts are, what is open, what waits",
    "incidents [7d]": "what happened lately",
    "show 12": "one incident's card, and what the model did about it",
    "runbook [words]": "find and show a runbook; without words all titles",
    "postmortem 12": "a document about it, as a file in its thread",
    "take 12": "own it; escalation stops",
    "handover 12 @bob": "give it to somebody else; without a number all that is yours",
    "escalate 12": "call the people on call",
    "approve 12b": "opens a dialog with the same facts; its Approve is the click",
    "reject 12b [why]": "reject at once",
    "simulate 12b": "what would happen now",
    "again 12": "measure anew and propose again",
    "undo 12": "put back a pause or a lowered priority",
    "kill HOST:PID": "ask for a process to be terminated; somebody else approves",
    "restart SERVICE [HOST]": "ask for a restart; somebody else approves",
    "start SERVICE [HOST]": "ask for a stopped service to be started",
    "stop SERVICE [HOST]": "ask for a service to be stopped",
    "reload SERVICE [HOST]": "ask for its configuration to be read anew",
    "drill": "try it all on a harmless process of the bot's own; calls nobody",
    "mute TARGET [2h]": "silence a host or condition",
    "unmute TARGET": "lift that",
    "maintenance TARGET 2h WHY": "work on a host or service: no pages, no proposals; "
    "`maintenance TARGET end` ends it, without words it lists",
    "lock WHY": "stop the whole bot, at once",
    "unlock": "free it",
    "chart WHAT [6h] [HOST]": "a picture of a figure, or of PromQL",
    "report [7d]": "incidents, times, actions, noise and money of a while, with a chart",
    "cost": "what the language model has cost",
    "help": "this list",
}
WORDS = tuple(usage.split()[0] for usage in VERBS)
CHANGES = frozenset(
    {
        "take", "handover", "escalate", "approve", "reject",
        "again", "undo", "kill", "restart", "start", "stop", "reload", "mute", "unmute",
        "maintenance", "unlock", "drill",
    }
)  # fmt: skip
"""Verbs that count in the configured channel only. Anybody may lock from anywhere."""

ASKS = frozenset({"again", "kill", "restart", "start", "stop", "reload", "maintenance"})
"""Verbs that look at the host before anything is asked for."""

DECIDES = CHANGES - ASKS - {"approve"} | {"lock"}
"""Verbs that are acknowledged only when they are done; `approve` opens a dialog."""

BY_CLICK = frozenset({"approve", "reject", "undo"})
"""Verbs that a mention answers with the card's link."""


def nearest(word: str) -> str | None:
    """Return the verb that somebody may have meant; None if it resembles none."""
    close = difflib.get_close_matches(word, WORDS, n=1)
    return close[0] if close else None
