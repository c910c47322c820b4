"""A change of the policy is an event: noticed at the start, written into the chain."""

import logging

from bot.storage import store
from bot.storage.database import Database
from remediation.ledger.audit import happened
from remediation.moment import Moment

log = logging.getLogger(__name__)

_KEY = "policy"


def note_policy(database: Database, digest: str, now: Moment) -> None:
    """Write the event when the policy's hash is not the one of the last start."""
    with database.write() as tx:
        before = store.recall(tx, _KEY)
        if before == digest:
            return
        store.remember(tx, _KEY, digest)
        if before is None:
            return
        text = f"The policy changed: {before[:12]} -> {digest[:12]}"
        happened(tx, "policy.changed", text, now)
    log.warning("policy.changed before=%s now=%s", before[:12], digest[:12])
