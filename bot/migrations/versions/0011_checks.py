"""A measurement under way: the first release kept it by the wall clock alone."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give open incidents their check in today's words: judged by the wall clock."""
    incidents = sa.table("incidents", sa.column("number"), sa.column("body"))
    tx = op.get_bind()
    open_ = sa.select(incidents).where(sa.column("phase") != "resolved")
    for number, body in tx.execute(open_).all():
        incident = json.loads(body)
        check = incident.get("check")
        if not check or "acted_at" not in check:
            continue
        incident["check"] = _by_both_clocks(check)
        mine = sa.update(incidents).where(incidents.c.number == number)
        tx.execute(mine.values(body=json.dumps(incident)))


def _by_both_clocks(check: dict[str, str | None]) -> dict[str, object]:
    acted, until, clear = (
        datetime.fromisoformat(at) if at else None
        for at in (check["acted_at"], check["until"], check["clear_at"])
    )
    window = (until - acted).total_seconds() if until and acted else 0
    return {
        "proposal": check["proposal"],
        "before": check["before"],
        "acted": _moment(acted),
        "clear": _moment(clear),
        "window": f"PT{window:.0f}S",
    }


def _moment(at: datetime | None) -> dict[str, object] | None:
    if at is None:
        return None
    # Of a boot that is none, so its clock is compared with that of its like alone.
    return {"wall": at.isoformat(), "boot": at.timestamp(), "boot_id": ""}
