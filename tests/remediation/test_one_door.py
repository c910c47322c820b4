"""Promise 11: no shell; signals in one module, outside programs in one other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_FORBIDDEN = {"eval", "exec", "kill", "killpg", "system", "popen", "pthread_kill"}
_DOORS: dict[str, set[str]] = {
    "pidfd_send_signal": {"remediation/signals.py"},
    "posix_spawn": {"remediation/signals.py"},
    "fork": {"remediation/signals.py"},
    "setpriority": {"remediation/acts/renice.py"},
    # Of other people's files.
    "unlink": {"remediation/acts/sweep.py"},
    "remove": set(),
    "rmdir": set(),
    "removedirs": set(),
    # Of the bot's own: a probe, a draft without a name, a postmortem that is purged, a
    # copy that was not put in place, an index that is made anew.
    "any .unlink": {
        "bot/storage/instance.py",
        "bot/learning/drafts.py",
        "bot/learning/postmortems.py",
        "bot/cli/restore.py",
    },
    "any .rmdir": set(),
    "rmtree": {"memory/index.py"},
    # The demo and a drill start what they then ask to end, or to restart. The gate's own
    # door is the only one to a program that changes something.
    "subprocess": {
        "remediation/programs.py",
        "remediation/gate/systemctl.py",
        "bot/demo/command.py",
        "bot/demo/shop.py",
        "bot/drill/child.py",
    },
}
_MODULES = {"os", "shutil", "signal", "subprocess", "asyncio"}
_DELETES = {"unlink", "rmdir"}


def _uses(tree: ast.AST) -> Iterator[str]:
    """Name what a module takes from the operating system to act on processes and files."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="eval" | "exec" as name)):
                yield name
            case ast.Attribute(value=ast.Name(id=module), attr=name) if (
                module in _MODULES
            ):
                yield name
            case ast.Attribute(attr=name) if name in _DELETES:
                yield f"any .{name}"
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                module = getattr(node, "module", None)
                if module is None or module in _MODULES:
                    yield from [module or "", *(alias.name for alias in names)]
            case ast.keyword(arg="shell"):
                yield "system"


def _sources() -> Iterator[tuple[str, ast.AST]]:
    for package in ("bot", "handlers", "memory", "remediation"):
        for file in sorted((_ROOT / package).rglob("*.py")):
            yield str(file.relative_to(_ROOT)), ast.parse(file.read_text())


@pytest.mark.promise(11)
def test_signals_and_programs_have_one_door_each() -> None:
    hits = [
        f"{path}: {name}"
        for path, tree in _sources()
        for name in _uses(tree)
        if name in _FORBIDDEN or path not in _DOORS.get(name, {path})
    ]

    print(f"promise 11: shells, kill() and second doors: {len(hits)}")
    assert hits == []


@pytest.mark.parametrize(
    "text",
    [
        "import os; os.kill(1, 9)",
        "from os import system",
        "eval('1')",
        "import subprocess",
        "from subprocess import run",
        "import signal; signal.pidfd_send_signal(3, 9)",
        "run('ls', shell=True)",
        "import os; os.unlink('x', dir_fd=3)",
        "import os; os.remove('x')",
        "from os import rmdir",
        "import os as system; system.unlink('x')",
        "from pathlib import Path; Path('x').unlink()",
        "from pathlib import Path; (Path('x') / 'y').rmdir()",
        "import shutil; shutil.rmtree('x')",
        "from shutil import rmtree",
    ],
)
def test_the_check_sees_each_way_around(text: str) -> None:
    names = set(_uses(ast.parse(text)))

    assert names & (_FORBIDDEN | set(_DOORS))
