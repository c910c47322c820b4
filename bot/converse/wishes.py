"""Somebody asks in words for something to be done. Nothing is; they get the way to it."""

import re
from collections.abc import Sequence
from typing import Final

from bot.actions.told import named
from bot.converse.asked import Asked
from bot.converse.question import Answer
from bot.model import Incident
from remediation.action import Action, CleanFiles, OperateUnit, target_in_words
from remediation.ledger.proposal import Proposal

_ACT: Final = (
    r"kill|terminate|stop|restart|reboot|pause|suspend|freeze|resume|renice|throttle|"
    r"deprioriti[sz]e|lower (?:the|its) priority|approve|reject|execute|undo|"
    r"shut ?down|take down|bring down|tear down|get rid of|put an end to|finish off|"
    r"nuke|zap|purge|sigkill|sigterm|pkill|killall|die"
)
_ENDS: Final = (
    r"end|remove|abort|cancel|halt|drop|quit|kick|bounce|disable|turn off|destroy"
)
"""Verbs that are wishes only with a process behind them."""
_THING: Final = (
    r"(?:(?:the|that|this|my|our) )?(?:it|them|process(?:es)?|pid|job|task|program|"
    r"service|daemon|runaway|culprit|hog|\d{2,7}|[\w-]+\.(?:py|sh|js|jar|service))"
)
_POLITE: Final = (
    r"(?:please|(?:can|could|would|will) (?:you|we|some(?:body|one))(?: please)?)"
)
_APART: Final = (
    r"(?:take|bring|shut|tear) (?:[\w.-]+ ){1,3}down|turn (?:[\w.-]+ ){1,3}off|"
    r"make (?:[\w.-]+ ){1,3}go away|(?:need|ha)s to go"
)
_ENDED: Final = r"killed|terminated|stopped|restarted|rebooted|paused|suspended|ended"
_ENDING: Final = (
    r"killing|terminating|stopping|restarting|rebooting|pausing|suspending|ending"
)
WISH: Final = re.compile(
    rf"\b(?:{_ACT}|{_APART})\b|\b(?:{_ENDS}) {_THING}\b|"
    rf"^(?:{_POLITE} )?(?:{_ENDS}) (?!off?\b)[a-z]|"
    rf"\b(?:want|need|like|must|should|have|get|please|to be)\b.*\b(?:{_ENDED})\b|"
    rf"\b(?:mind|consider) (?:{_ENDING})\b"
)
LOCK: Final = re.compile(
    r"\b(?:lock|stop|freeze|pause) (?:yourself|the bot|countersign|acting|all actions)\b"
)
"""Asks the bot itself to hold still; no lock screen, clock or lock of a table does."""
CONSENT: Final = re.compile(
    r"^(?:ok(?:ay)?|yes|yep|sure|please)?[ ,.!]*(?:yes|do it(?: now)?|go ahead|go|lgtm|"
    r"ship it|approved?|make it so|just do it|proceed|confirmed)(?: please)?[ .!]*$"
)
ASKS: Final = re.compile(
    r"^(?:and |but |so |ok |hey )?(?:who|whom|whose|what|when|why|how|which|where|did|"
    r"does|was|were|is|are|has|had|have you|have we)\b"
)
HOW: Final = re.compile(r"^how (?:do|can|could|would|should) (?:i|we|one|you) ")
"""Asks for the way to something, which is what a wish is answered with."""
_TARGET: Final = re.compile(r"\b([a-z][a-z0-9.-]{0,62}):(\d{1,7})\b")
_ON_HOST: Final = re.compile(r"\bon (?:host )?([a-z][a-z-]*\d[a-z0-9.-]*)\b")
_NO_UNIT: Final = (
    r"(?!\.\d)(?!\s?(?:%|percent|times|of|s|sec\w*|m|min\w*|h|hours?|d|days?|gb|mb|"
    r"cores?)\b)"
)
_NUMBER: Final = re.compile(rf"(?<![\w.:-])(\d{{2,7}})\b{_NO_UNIT}")
"""A number that may be a process's: none of a name, an address or a length of time."""
_PID: Final = re.compile(
    rf"\b(?:pid|process|job|task|{_ACT}|{_ENDS}|{_ENDING})(?: -\w+)?"
    rf"(?: (?:the|of|to|on|number))*(?: (?:pid|process|job|task))?\s(\d{{2,7}})\b{_NO_UNIT}"
    rf"|^(\d{{2,7}}) (?:must|needs|has|should|is to|can) "
)
"""A number that can be nothing else: it stands behind the verb, or is called one."""
_LETTERED: Final = re.compile(r"\b(\d{1,9})([a-z]{1,3})\b")
_WORD: Final = re.compile(r"[a-z][a-z0-9_.-]{2,}")
_GENERAL: Final = re.compile(
    r"it|this|that|them|process|runaway|culprit|thing|hog|job|task|now|please|one"
)
_MILDER: Final = re.compile(
    r"\b(?:pause|suspend|freeze|resume|renice|throttle|deprioriti[sz]e|priority)\b"
)
_SERVICE: Final = re.compile(
    r"\b(restart|reload|start) (?:the |my |our )?([a-z][\w@.:-]{1,80})\b"
    r"|\b(stop) (?:the |my |our )?([a-z][\w@.:-]{1,80}) service\b"
)
OTHERS: Final = tuple(
    (re.compile(pattern), usage)
    for pattern, usage in (
        (r"\bunmute\b|\blift the mute\b", "unmute TARGET"),
        (r"\b(?:mute|silence|snooze)\b", "mute TARGET 2h"),
        (
            r"\b(?:put|into|under|begin|start|for) maintenance\b",
            "maintenance TARGET 2h WHY",
        ),
        (r"\b(?:end|over|finish)\w* (?:the )?maintenance\b", "maintenance TARGET end"),
        (r"\bunlock\b", "unlock"),
        (
            r"\b(?:run|start|begin|hold|try|do|make) (?:an?|the|another) drill\b",
            "drill",
        ),
        (r"\bhand(?:ing)? (?:\S+ ){0,3}over\b|\bhandover\b", "handover {number} @WHO"),
        (
            r"\bescalate\b|\bcall (?:the )?people\b|\bpage (?:the|some)",
            "escalate {number}",
        ),
        (r"\btake (?:over\b|(?:it|this) over\b|incident\b|\d)", "take {number}"),
        (r"\bsimulate\b|\bdry.?run\b|\brehearse\b", "simulate {number}a"),
        (r"\b(?:propose|measure) (?:it |this )?(?:again|anew)\b", "again {number}"),
        (r"\bundo\b|\bput (?:it |this )?back\b", "undo {number}"),
    )
)
"""Wishes that are about no process: what is asked for, and the command for it."""
_NEVER: Final = "Words change nothing here:"
_PROPOSES: Final = "a command makes a proposal, which somebody else must approve."

Waiting = tuple[Incident, Proposal]


def is_wish(words: str) -> bool:
    """Say whether the words ask for an act, and not about one."""
    if CONSENT.match(words):
        return True
    if ASKS.match(words) and not HOW.match(words):
        return False
    return any(
        known.search(words) for known in (WISH, LOCK, *(one for one, _ in OTHERS))
    )


def wish(asked: Asked) -> Answer:
    """Point to the card that waits for the click, else give the command that asks."""
    if LOCK.search(asked.words):
        return _to_lock(asked)
    if (command := _other(asked)) is not None:
        return _given(asked, command, "a command does.")
    waiting = [(one, p) for one in asked.open() for p in asked.waiting(one)]
    meant = _meant(asked, waiting)
    if meant:
        return _to_card(meant)
    return _not_here(asked) or _command(asked, waiting)


def _not_here(asked: Asked) -> Answer | None:
    host = asked.sources.settings.host
    named_ = (known.search(asked.words) for known in (_ON_HOST, _TARGET))
    other = next((f[1] for f in named_ if f and f[1] != host.lower()), None)
    if other is None:
        return None
    there = {name.lower(): name for name in asked.sources.settings.hosts}
    if other not in there:
        return Answer(text=f"{_NEVER} and I act on {host} only, not on {other}.")
    if (service := _service(asked)) is None:
        return Answer(text=f"{_NEVER} and on {other} I act on services only.")
    return _given(asked, f"{service} {there[other]}", _PROPOSES)


def _meant(asked: Asked, waiting: Sequence[Waiting]) -> Sequence[Waiting]:
    """Return the proposals that wait for a decision and are meant; none if unclear."""
    letters = {found[0] for found in _LETTERED.finditer(asked.words)}
    by_letter = [w for w in waiting if f"{w[0].number}{w[1].letter}" in letters]
    if by_letter:
        return by_letter
    pids = _pids(asked.words)
    host = asked.sources.settings.host.lower()
    pids |= {int(t[2]) for t in _TARGET.finditer(asked.words) if t[1] == host}
    said = {int(found[1]) for found in _NUMBER.finditer(asked.words)}
    by_pid = [w for w in waiting if _pid_of(w[1].action) in pids | said]
    by_pid = by_pid or [w for w in waiting if w[0].number in pids]
    if by_pid or pids - {asked.question.about}:
        return by_pid
    named_ = set(_WORD.findall(asked.words))
    by_name = [w for w in waiting if named_ & _names(w)]
    if by_name or _names_a_program(asked):
        return by_name
    about = asked.number if asked.number is not None else asked.question.about
    here = [w for w in waiting if w[0].number == about]
    if here:
        return here
    return waiting if len({incident.number for incident, _ in waiting}) == 1 else []


def _pids(words: str) -> set[int]:
    return {int(found[1] or found[2]) for found in _PID.finditer(words)}


def _other(asked: Asked) -> str | None:
    """Return the command of a wish that is about no target: mute, take, escalate."""
    found = next((usage for one, usage in OTHERS if one.search(asked.words)), None)
    if found is None:
        return None
    number = asked.number if asked.number is not None else asked.question.about
    return found.format(number="12" if number is None else number)


def _service(asked: Asked) -> str | None:
    """Return the command for a service that is named, if one is."""
    found = _SERVICE.search(asked.words)
    if found is None:
        return None
    verb, name = found[1] or found[3], found[2] or found[4]
    return None if _GENERAL.fullmatch(name) else f"{verb} {name}"


def _given(asked: Asked, command: str, way: str) -> Answer:
    slash = asked.sources.settings.slack.command
    return Answer(
        text=f"{_NEVER} {way}",
        command=f"{slash} {command}",
        about=asked.question.about,
    )


def _names(one: Waiting) -> set[str]:
    incident, proposal = one
    target = target_in_words(proposal.action)
    return set(_WORD.findall(f"{target} {incident.unit_name or ''}".lower()))


def _pid_of(action: Action) -> int | None:
    match action:
        case OperateUnit() | CleanFiles():
            return None
        case _:
            return action.process.pid


def _names_a_program(asked: Asked) -> bool:
    """Say whether something other than "it" or "the runaway" stands behind the verb."""
    verb = rf"{_ACT}|{_ENDS}|{_ENDED}|{_ENDING}|take|bring|shut|tear|turn|make"
    found = re.search(
        rf"\b(?:{verb})\s(?:the |my |our |that )?([a-z][\w.-]+)", asked.words
    )
    return found is not None and _GENERAL.fullmatch(found[1]) is None


def _to_lock(asked: Asked) -> Answer:
    command = f"{asked.sources.settings.slack.command} lock WHY"
    return Answer(text=f"{_NEVER} a command locks me at once.", command=command)


def _to_card(meant: Sequence[Waiting]) -> Answer:
    number = meant[0][0].number
    listed = [f"{named(p)}." for one, p in meant if one.number == number][:3]
    lines = [f"{_NEVER} a click on the card of incident {number} does. It waits for:"]
    return Answer(text="\n".join((*lines, *listed)), card=number, about=number)


def _command(asked: Asked, waiting: Sequence[Waiting]) -> Answer:
    if (service := _service(asked)) is not None:
        return _given(asked, service, _PROPOSES)
    target = _TARGET.search(asked.words)
    return _kill(asked, int(target[2]) if target else _pid(asked), waiting)


def _kill(asked: Asked, pid: int | None, waiting: Sequence[Waiting]) -> Answer:
    settings = asked.sources.settings
    way = "a command makes a proposal for a process, which somebody else must approve."
    lines = [f"{_NEVER} {way}"]
    if pid is None:
        lines.append("Ask me for the top processes to find its number.")
        lines += [f"Waiting for a decision: {named(p)}." for _, p in waiting[:6]]
    if _MILDER.search(asked.words):
        lines.append(
            "It terminates. A pause or a lower priority is offered in the menu of a card."
        )
    return Answer(
        text="\n".join(lines),
        command=f"{settings.slack.command} kill {settings.host}:{pid or 'PID'}",
        about=asked.question.about,
    )


def _pid(asked: Asked) -> int | None:
    pids = _pids(asked.words)
    if pids:
        return min(pids)
    incident = asked.incident
    if incident is not None and incident.is_open and incident.culprit is not None:
        return incident.culprit.identity.pid
    return _live(asked)


def _live(asked: Asked) -> int | None:
    """Return the pid of the largest process whose command is named, if one is."""
    said = set(_WORD.findall(asked.words))
    for item in asked.sources.processes():
        for row in item.table.rows if item.table else ():
            if said & set(_WORD.findall(row[-1].lower())) and row[0].isdecimal():
                return int(row[0])
    return None
