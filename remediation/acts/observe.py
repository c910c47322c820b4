"""What became of an action whose executor died: observed, never repeated."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from remediation.action import CleanFiles, OperateUnit
from remediation.acts.fleet import Fleet
from remediation.acts.folder import is_silent
from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
)
from remediation.acts.sweep import standing
from remediation.ledger.proposal import Proposal
from remediation.moment import Moment
from remediation.outcome import Outcome, Result, Seen
from remediation.target.area import Spared, counted
from remediation.target.facts import FactReader
from remediation.target.identity import (
    Gone,
    ProcessIdentity,
    Unobservable,
    changed,
    open_process,
)
from remediation.target.privilege import Gate
from remediation.target.unit import changed_unit, state_in_words

_FOREIGN_PATIENCE = timedelta(minutes=15)
"""How long an executor on another host may take before it counts as lost."""
_CUT_OFF = timedelta(seconds=15)
"""How long one may be absent from the database that could have lost it for a moment."""


class Observer:
    """Tells whether an executor still lives, and looks at what it left behind.

    is_present: says whether a claimant is connected to the database; None where no other
    host can be.
    """

    def __init__(
        self,
        me: ProcessIdentity,
        *,
        fleet: Fleet,
        gate: Gate | None = None,
        is_present: Callable[[str], bool] | None = None,
    ) -> None:
        self._me = me
        self._reader = FactReader(fleet.here, gate)
        self._fleet = fleet
        self._is_present = is_present
        self._missed: dict[str, Moment] = {}
        self.claimant = claimant_of(me)

    def after_crash(self, proposal: Proposal, now: Moment) -> Outcome | None:
        """Return what is seen at the target, or None while the executor may live."""
        if self._may_live(proposal, now):
            return None
        seen, words = self._look(proposal)
        return Outcome(
            result=Result.INTERRUPTED,
            seen=seen,
            summary="Countersign was interrupted while acting and does not know how "
            f"far it came; it does not try again. Seen now: {words}",
        )

    def later(self, proposal: Proposal) -> Outcome | None:
        """Return what is seen by now where nothing could be; None while that lasts."""
        before = proposal.outcome
        is_service = isinstance(proposal.action, OperateUnit)
        if not is_service or before is None or before.seen is not Seen.UNKNOWN:
            return None
        seen, words = self._look(proposal)
        if seen is Seen.UNKNOWN:
            return None
        return replace(before, seen=seen, summary=f"Seen by now: {words}")

    def _look(self, proposal: Proposal) -> tuple[Seen, str]:
        action, here = proposal.action, self._fleet.here
        if isinstance(action, OperateUnit):
            return _service(action, self._fleet)
        if action.host != here and self._is_of_another_boot(proposal):
            # The same pid or folder here is another one.
            return Seen.UNKNOWN, f"{action.host} is out of sight of {here}"
        if isinstance(action, CleanFiles):
            return _files(action)
        return process_now(action.process, self._reader)

    def _may_live(self, proposal: Proposal, now: Moment) -> bool:
        if proposal.claimed_by is None:
            return False
        boot_id, pid, start = proposal.claimed_by.split("/")
        if boot_id != self._me.boot_id and self._is_present is not None:
            return not self._is_gone(proposal.claimed_by, self._is_present, now)
        if boot_id != self._me.boot_id:
            # This host booted since, and whoever claimed it is gone; or it is another.
            decided = proposal.decided_at or proposal.created_at
            late = now.wall - decided >= _FOREIGN_PATIENCE
            # By whoever proposed it: an action on another host is claimed here as well.
            is_ours = proposal.id.startswith(f"{self._fleet.here}~")
            return not is_ours and not late
        if proposal.claimed_by == self.claimant:
            return True
        try:
            with open_process(int(pid)) as live:
                if live.identity.start_ticks == int(start):
                    return True
        except (Gone, Unobservable):
            pass
        # It was ours, so it would be visible, but from a container of its own: there its
        # pid may be another's, and both be pid 1.
        return bool(self._is_present and self._is_present(proposal.claimed_by))

    def _is_of_another_boot(self, proposal: Proposal) -> bool:
        claimant = proposal.claimed_by or ""
        return bool(claimant) and claimant.partition("/")[0] != self._me.boot_id

    def _is_gone(
        self, claimant: str, is_present: Callable[[str], bool], now: Moment
    ) -> bool:
        """Say whether a bot of another host has been absent for longer than a moment."""
        if is_present(claimant):
            self._missed.pop(claimant, None)
            return False
        return now.since(self._missed.setdefault(claimant, now)) >= _CUT_OFF


def claimant_of(identity: ProcessIdentity) -> str:
    """Return how the ledger names a process that carries out actions."""
    return f"{identity.boot_id}/{identity.pid}/{identity.start_ticks}"


def _service(action: OperateUnit, fleet: Fleet) -> tuple[Seen, str]:
    target = action.unit
    try:
        facts = fleet.of(action.host).facts(target.name)
    except (NoSuchUnit, ManagerUnavailable, JobFailed) as hidden:
        return Seen.UNKNOWN, str(hidden)
    since = " of another start" if changed_unit(target, facts.identity) else ""
    seen = Seen.RUNNING if facts.is_running else Seen.DOWN
    return seen, f"{target.name} is {state_in_words(facts)}{since}"


def _files(action: CleanFiles) -> tuple[Seen, str]:
    """Count the files that are gone."""
    if is_silent(action.folder):
        return Seen.UNKNOWN, f"the file system of {action.folder} gives no answer"
    try:
        found = standing(action.folder, action.files)
    except OSError as error:
        return Seen.UNKNOWN, f"{action.folder} cannot be opened ({error.strerror})"
    gone = sum(1 for reason in found.values() if reason is Spared.GONE)
    seen = Seen.CLEANED if gone == len(found) else Seen.LEFT
    return seen, f"{gone} of {counted(len(found))} in {action.folder} are gone"


def process_now(target: ProcessIdentity, reader: FactReader) -> tuple[Seen, str]:
    """Look at an approved process once more; say what is there, as a kind and in words."""
    try:
        with open_process(target.pid) as live:
            difference = changed(target, reader.identity(live))
    except Gone:
        return Seen.EXITED, f"pid {target.pid} has exited"
    except Unobservable as hidden:
        return Seen.UNKNOWN, str(hidden)
    if difference is None:
        return Seen.ALIVE, f"pid {target.pid} is still alive"
    return Seen.CHANGED, difference
