"""The other hosts: which are reached, as whom they say they are, and what is operated there."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.runtime.checkup import Finding, fine, warn
from bot.wiring.parts import gate_at
from remediation.target.privilege import (
    Gate,
    GateClosed,
    GateFailed,
    GateRefused,
    Unanswered,
)
from remediation.target.unit import UnitFacts, Verb

_AT_ONCE: Final = 8
_NOBODYS: Final = ("countersign.service",)
"""Asked about where the team allows no service: whoever refuses that is a gate."""


def checks(settings: Settings, environment: Environment) -> Iterator[Finding]:
    """Ask the gate of each about every service that may be operated."""
    if not settings.hosts:
        return
    names = sorted(settings.policy.services.allow)
    if not names:
        yield warn(
            "hosts",
            "policy.services.allow names no service, so nothing is done on any of them",
        )

    def asked(host: str) -> Finding:
        gate = gate_at(host, settings.hosts[host], environment)
        return _host(host, gate, names or _NOBODYS)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(asked, settings.hosts)


def _host(host: str, gate: Gate, names: Sequence[str]) -> Finding:
    subject = f"host {host}"
    operated: list[str] = []
    refused = ""
    for name in names:
        try:
            operated += _operated(gate.unit(name))
        except (GateClosed, Unanswered) as silent:
            return warn(
                subject,
                f"{silent}. Until it is, cards about it offer no action",
            )
        except (GateRefused, GateFailed) as no:
            refused = refused or str(no)
    if operated:
        return fine(subject, f"its gate answers, and operates {'; '.join(operated)}")
    return warn(
        subject,
        f"its gate answers and operates none of the services that may be ({refused}). "
        "List them in its gate.json",
    )


def _operated(facts: UnitFacts) -> list[str]:
    denied = {verb for verb, _ in facts.denied}
    verbs = [verb.value for verb in Verb if verb not in denied]
    return [f"{facts.name} ({', '.join(verbs)})"] if verbs else []
