"""The configuration file: does it say what a team needs it to say."""

from collections.abc import Iterator

from bot.config.settings import DetectorSection, Loaded, Settings
from bot.policy.standing import rules_of
from bot.policy.words import doubts
from bot.runtime.checkup import Finding, fail, fine, warn
from bot.runtime.clock import SystemClock


def checks(loaded: Loaded, path: str) -> Iterator[Finding]:
    """Look at the file's content."""
    slack = loaded.settings.slack
    on = [name for name, section in loaded.detectors.items() if section.enabled]
    yield fine("configuration", f"{path} is valid; detectors: {', '.join(on)}")
    if slack.channel is None:
        yield fail(
            "channel",
            "slack.channel is not set, so there is nowhere to post. "
            "Put the channel's id (C…) into the file",
        )
    approvers = slack.approvers
    if not approvers.users and not approvers.groups:
        yield fail(
            "approvers",
            "the list is EMPTY, so NOBODY can approve anything. "
            "Put user ids into slack.approvers.users or groups into .groups",
        )
    else:
        yield fine(
            "approvers",
            f"{len(approvers.users)} people, {len(approvers.groups)} groups",
        )
    if not slack.notify.critical:
        yield warn(
            "notify",
            "slack.notify.critical is empty, so a critical incident wakes nobody. "
            "Name users or groups there",
        )
    if loaded.settings.mode == "observe":
        words = "nothing is proposed or done (mode: observe); `mode: act` changes that"
        yield warn("mode", words)
    yield from _limits(loaded)
    yield from _rules(loaded.settings)


def _limits(loaded: Loaded) -> Iterator[Finding]:
    """Name limits of which one was changed and the other forgotten."""
    for name, section in loaded.detectors.items():
        usual = type(section)
        if not section.enabled or not section.has_limits:
            continue
        first, last = _usual(usual, "warning"), _usual(usual, "critical")
        if first is None or last is None:
            continue  # whoever declared it gave no limits that could be forgotten
        above = last >= first
        step = section.critical - section.warning
        if step < 0 if above else step > 0:
            yield warn(
                f"detectors.{name}",
                f"critical ({section.critical:g}) is passed before warning "
                f"({section.warning:g}), so there is never a warning. Set both",
            )


def _usual(section: type[DetectorSection], name: str) -> float | None:
    default = section.model_fields[name].default
    return float(default) if isinstance(default, int | float) else None


def _rules(settings: Settings) -> Iterator[Finding]:
    rules = rules_of(settings)
    found = list(doubts(settings, rules, SystemClock().now().wall))
    for doubt in found:
        yield warn("policy.rules", f"{doubt}. `countersign policy explain` says more")
    if not found:
        yield fine("policy.rules", f"{len(rules.book.rules)}, none of them doubtful")
