"""The faults and the controls of the bench, each with what is right."""

from tests.bench.faults import controls, disks, processes
from tests.bench.faults.fault import Control, Fault
from tests.bench.faults.processes import running

FAULTS = (
    Fault(
        name="CPU, one process",
        inject=running(processes.BURN),
        says="of one core|CPU",
        action="Terminate",
    ),
    Fault(
        name="CPU, sixteen workers",
        inject=running(processes.WORKERS),
        says="CPU|Load",
        action="Terminate",
    ),
    Fault(
        name="CPU, short-lived children",
        inject=running(processes.SHORT),
        says="CPU|Load",
        action="Terminate",
    ),
    Fault(
        name="memory leak",
        inject=running(processes.LEAK),
        says="[Mm]emory",
        action="Terminate",
    ),
    Fault(
        name="handle leak",
        inject=running(processes.HANDLES),
        says="descriptors",
        action="Terminate",
    ),
    Fault(
        name="fork storm",
        inject=running(processes.STORM),
        says="[Pp]rocesses made|per second|created|CPU",
        action="Terminate",
    ),
    Fault(
        name="zombies",
        inject=running(processes.ZOMBIES),
        says="[Zz]ombie",
        action="Terminate",
    ),
    Fault(
        name="nobody accepts",
        inject=processes.deaf,
        says="turned away|connections",
        action="Terminate",
    ),
    Fault(
        name="state D",
        inject=disks.hanging,
        says="state D|hang",
        reason="no signal|signal",
        needs=disks.no_loop,
    ),
    Fault(
        name="disk full",
        inject=disks.full,
        says="full",
        reason="is listed for cleaning",
        needs=disks.no_root,
    ),
    Fault(
        name="disk filling",
        inject=disks.filling,
        says="full in|will be full|full",
        reason="is listed for cleaning",
        needs=disks.no_root,
    ),
    Fault(
        name="inodes used up",
        inject=disks.no_inodes,
        says="[Ii]node",
        reason="is listed for cleaning",
        needs=disks.no_root,
    ),
    Fault(
        name="turned read-only",
        inject=disks.read_only,
        says="read-only",
        reason="device|disk|kernel",
        needs=disks.no_loop,
    ),
    Fault(
        name="killed for memory",
        inject=disks.killed_for_memory,
        says="OOM|memory",
        reason="over|happened|ended",
        stays=True,
        needs=disks.no_limit,
    ),
)

PAIRS = (
    ("CPU, one process", "memory leak"),
    ("zombies", "handle leak"),
    ("fork storm", "disk full"),
    ("CPU, sixteen workers", "inodes used up"),
)

CONTROLS = (
    Control(name="a compile", run=controls.compiles),
    Control(name="a backup", run=controls.backs_up),
    Control(name="log rotation", run=controls.rotates),
    Control(name="a short burst", run=controls.bursts),
    Control(name="a declared batch", run=controls.batch),
)
