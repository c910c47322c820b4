"""Promise 17: how much can happen at most, however eagerly people approve."""

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from remediation.ledger.decision import NotDecided
from remediation.ledger.tables import proposals
from tests.promises.house import PEOPLE, House, rules

pytestmark = [pytest.mark.promise(17), pytest.mark.timeout(900)]

COOLDOWN = timedelta(minutes=30)
PER_HOUR = 4
TARGETS = 12
HOUR = timedelta(hours=1)


def test_caps_hold_however_eagerly_people_approve(
    tmp_path: Path, *, full_counts: bool
) -> None:
    """Random approvals over simulated hours; what was claimed is counted in the rows."""
    hours = 60 if full_counts else 12
    house = House.in_folder(
        tmp_path, wanted=rules(cooldown=COOLDOWN, per_hour=PER_HOUR)
    )
    chance = random.Random(17)
    incidents = [house.open_incident(n, at=house.clock.now()) for n in range(TARGETS)]
    for _ in range(hours * 20):
        approve_one(house, chance.choice(incidents))
        house.carry_out.step()
        house.clock.passes(chance.choice((10, 60, 180, 400)))
    done = claims(house)
    per_hour = busiest([at for _, at in done], HOUR)
    per_target = max(
        busiest([at for target, at in done if target == one], COOLDOWN)
        for one, _ in done
    )
    print(
        f"promise 17: {len(done)} actions in {hours} h or more; most in an hour "
        f"{per_hour} (cap {PER_HOUR}), most per target and cooldown {per_target}"
    )
    house.close()
    assert len(done) > hours
    assert per_hour == PER_HOUR
    assert per_target == 1


def approve_one(house: House, number: int) -> None:
    """Ask anew and approve, as somebody in a hurry does."""
    try:
        for proposal in house.propose(number)[:1]:
            house.decide.approve(proposal.id, PEOPLE[1], None)
    except NotDecided:
        return


def claims(house: House) -> list[tuple[str, float]]:
    """Target and instant (seconds) of every claim."""
    with house.database.read() as tx:
        query = select(proposals.c.target, proposals.c.claimed_at)
        rows = tx.execute(query.where(proposals.c.claimed_at.is_not(None))).all()
    return sorted(
        ((r.target, r.claimed_at.timestamp()) for r in rows), key=lambda r: r[1]
    )


def busiest(instants: list[float], span: timedelta) -> int:
    """Return the most of them that lie within one span."""
    counts = Counter(
        sum(start <= other < start + span.total_seconds() for other in instants)
        for start in instants
    )
    return max(counts, default=0)
