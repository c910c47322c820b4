"""Why nothing is offered for an incident, by which rule, and what a person can do. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from shlex import quote
from typing import Final

from bot.actions.target import Hidden
from bot.alerts.alert_findings import DETECTOR as ALERT
from bot.alerts.alert_findings import FLEET
from bot.host.disk import Disk
from bot.measuring.series import DETECTOR as PROMETHEUS
from bot.model import Incident, NoAction
from bot.pointed import Pointed
from remediation.action import Action, in_words
from remediation.rules.rulebook import OBSERVES
from remediation.rules.verdict import Refusal

_SERVICES_ONLY: Final = (
    "of other hosts only services are acted on, and nothing names one here"
)


def no_target(
    incident: Incident, here: str, hidden: Hidden | None, *, is_reached: bool
) -> NoAction:
    """Say why there is nothing to act on. is_reached: whether its host is configured."""
    host, name = incident.host, incident.unit_name
    if incident.is_storm:
        return NoAction(
            rule="many causes at once",
            reason="several conditions began together; each of them needs a look first",
            by_hand="top" if host == here else "",
        )
    if host == FLEET != here:
        reason = "nothing that was told names a host"
        return NoAction(rule="no host", reason=reason)
    if host != here and (hidden is None or name is None):
        reason = _SERVICES_ONLY if is_reached else f"this bot acts on {here} only"
        return NoAction(
            rule="another host",
            reason=f"cannot act on {host}: {reason}",
            by_hand=f"ssh {quote(host)}",
        )
    if hidden is not None and name is not None:
        return NoAction(
            rule="service is hidden",
            reason=f"cannot act on {name} of {host}: {hidden.why}",
            by_hand=_there(f"systemctl status {name}", host, here),
        )
    if incident.service is None and incident.lead.points_at is None:
        return _no_culprit(incident)
    return NoAction(
        rule="service is gone",
        reason=f"nobody here tells how {name} stands",
        by_hand=f"systemctl status {name}",
    )


def _not_of_rule(incident: Incident, pointed: Pointed, here: str) -> NoAction:
    """Say that what the service needs is nothing that the rule permits."""
    permitted = ", ".join(pointed.actions)
    return NoAction(
        rule=pointed.rule,
        reason=f"as {pointed.service} stands now, nothing of what is permitted for it "
        f"({permitted}) is right",
        by_hand=_there(f"systemctl status {pointed.service}", incident.host, here),
    )


def nothing_to_clean(disk: Disk) -> NoAction:
    """Say why no file can be offered, and where a person begins to look."""
    troubles = [clutter.trouble for clutter in disk.clutters if clutter.trouble]
    if not disk.clutters:
        reason = f"no folder on {disk.mount} is listed for cleaning"
    elif troubles:
        reason = f"of {disk.areas} {troubles[0]}"
    else:
        reason = f"nothing in {disk.areas} is old enough to go"
    return NoAction(
        rule="policy.cleaning",
        reason=reason,
        by_hand=f"du -xh {quote(disk.mount)} | sort -h | tail; journalctl --disk-usage",
    )


def _no_culprit(incident: Incident) -> NoAction:
    if incident.culprit is not None:
        reason = "the process has ended by now, or cannot be looked at"
        return NoAction(rule="culprit is gone", reason=reason)
    if incident.lead.detector in (PROMETHEUS, ALERT):
        reason = "what was told names no process or service behind it"
        return NoAction(rule="no culprit", reason=reason)
    if incident.lead.no_action is not None:
        return incident.lead.no_action
    top = incident.lead.culprits[0] if incident.lead.culprits else None
    share = (
        f" (the largest part is {top.share:.0%}, {top.process.label})" if top else ""
    )
    return NoAction(
        rule="no culprit",
        reason=f"no process explains at least half of the problem{share}",
        by_hand="top -o %CPU" if incident.lead.detector == "cpu" else "",
    )


def with_what(refusal: Refusal, action: Action) -> Refusal:
    """Add what would be proposed where the bot only observes."""
    if refusal != OBSERVES:
        return refusal
    return replace(refusal, reason=f"{refusal.reason}; else: {in_words(action)}")


def why(refused: Sequence[Refusal], incident: Incident, here: str) -> NoAction:
    """Say which rule refused first."""
    pointed = incident.lead.points_at
    if not refused and pointed is not None:
        return _not_of_rule(incident, pointed, here)
    if not refused:
        return NoAction(rule="policy.candidates", reason="the list of actions is empty")
    first = refused[0]
    by_hand = _there(first.by_hand, incident.host, here)
    return NoAction(rule=first.rule, reason=first.reason, by_hand=by_hand)


def _there(command: str, host: str, here: str) -> str:
    """Return the command as it is run from anywhere."""
    is_here = host == here or not command
    return command if is_here else f"ssh {quote(host)} {command}"
