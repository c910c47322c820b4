"""The gate: does it answer, where the configuration names one."""

import os
from collections.abc import Iterator

from bot.config.settings import Settings
from bot.runtime.checkup import Finding, fine, warn
from bot.wiring.parts import gate_of
from remediation.target.privilege import GateClosed, GateFailed, GateRefused


def checks(settings: Settings) -> Iterator[Finding]:
    """Ask it about this very process, which changes nothing."""
    gate = gate_of(settings)
    if gate is None:
        return
    try:
        gate.look(os.getpid())
    except (GateClosed, GateFailed, GateRefused) as silent:
        yield warn(
            "gate",
            f"{silent}. What the bot's own user may not do is refused until it "
            "answers: look at `systemctl status countersign-gate.socket`, at its list, "
            "and run this as the bot's user",
        )
    else:
        yield fine("gate", "answers on its socket, as root, to this user")
