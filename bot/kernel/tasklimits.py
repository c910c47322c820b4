"""How many tasks the kernel takes at most; proc_sys_kernel(5)."""

from dataclasses import dataclass

from bot.kernel.roots import Roots, read_file


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLimits:
    """pid_max: the numbers that there are for tasks. threads_max: the tasks themselves."""

    pid_max: int
    threads_max: int

    @property
    def tighter(self) -> tuple[int, str]:
        """The smaller of the two and its name."""
        if self.pid_max <= self.threads_max:
            return self.pid_max, "kernel.pid_max"
        return self.threads_max, "kernel.threads-max"


def read(roots: Roots) -> TaskLimits:
    """Read both; raise `ValueError` where one is no number above 0."""
    folder = roots.proc / "sys" / "kernel"
    found = TaskLimits(
        pid_max=int(read_file(folder / "pid_max")),
        threads_max=int(read_file(folder / "threads-max")),
    )
    if min(found.pid_max, found.threads_max) <= 0:
        raise ValueError("/proc/sys/kernel allows no task at all")
    return found
