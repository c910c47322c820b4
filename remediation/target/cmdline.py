"""What may be shown of a command line: what is named here, and nothing else.

People put passwords into arguments. So everything is hidden unless it is the
executable (as the kernel knows it), the script that a known interpreter runs, or the
name of a long option. Values are never shown, whatever they look like.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from remediation.printable import printable

_MAX_OPTIONS: Final = 6
# Lower-case words with hardly a digit: a password typed after "--" is not shown.
_OPTION: Final = re.compile(r"--([a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*)(=.*)?", re.DOTALL)
_LONG_WITH_VALUE: Final = re.compile(r"--[a-z-]+=")
_OPTION_LENGTH: Final = 30
_OPTION_DIGITS: Final = 2
_SCRIPT: Final = re.compile(
    r"[\w./+@-]*?([\w][\w.+@-]{0,63}\."
    r"(?:py|pyc|pyz|js|mjs|cjs|ts|rb|pl|sh|bash|php|jar|lua|tcl|r|R))",
    re.ASCII,
)
_COMMAND: Final = re.compile(r"(?:/[\w.+@-]+)*/([\w][\w.+-]{0,39})", re.ASCII)
_MODULE: Final = re.compile(r"[a-z_]\w*(?:\.[a-z_]\w*)*", re.ASCII)
_MODULE_LENGTH: Final = 60
_PATH_LENGTH: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class _Interpreter:
    """How one interpreter's own options stand before the script.

    flags: take no value. valued: take the next argument. module: what follows names
    the program. Any option that is not listed ends the search.
    """

    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    module: str = ""


_SHELL: Final = _Interpreter(
    flags=frozenset(
        ["-e", "-u", "-x", "-l", "-eu", "-ex", "-eux", "-ux", "--login", "--posix"]
    )
)
_INTERPRETERS: Final = (
    (
        re.compile(r"python[\d.]*|pypy[\d.]*"),
        _Interpreter(
            flags=frozenset(
                [
                    "-u",
                    "-B",
                    "-E",
                    "-s",
                    "-S",
                    "-I",
                    "-O",
                    "-OO",
                    "-P",
                    "-q",
                    "-v",
                    "-d",
                    "-b",
                    "-bb",
                ]
            ),
            valued=frozenset(("-W", "-X")),
            module="-m",
        ),
    ),
    (re.compile(r"(?:ba|da|k|z|a)?sh|busybox"), _SHELL),
    (
        re.compile(r"node(?:js)?|bun|deno"),
        _Interpreter(
            flags=frozenset(
                ["--inspect", "--no-warnings", "--enable-source-maps", "--expose-gc"]
            ),
            valued=frozenset(
                ["-r", "--require", "--import", "--loader", "-C", "--conditions"]
            ),
        ),
    ),
    (
        re.compile(r"java"),
        _Interpreter(
            flags=frozenset(("-server", "-client")),
            valued=frozenset(
                ["-cp", "-classpath", "--class-path", "-p", "--module-path"]
            ),
            module="-jar",
        ),
    ),
    (
        re.compile(r"perl[\d.]*"),
        _Interpreter(flags=frozenset(["-w", "-W", "-T", "-t"])),
    ),
    (re.compile(r"ruby[\d.]*"), _Interpreter(flags=frozenset(["-w", "-W"]))),
    (re.compile(r"php[\d.]*"), _Interpreter(flags=frozenset(["-n", "-q"]))),
    (re.compile(r"lua[\d.]*|tclsh[\d.]*|Rscript"), _Interpreter()),
)


def label(exe: str, argv: Sequence[bytes], *, whole: bool = True) -> str:
    """Return a short line that says what runs and holds no value of any argument.

    exe: path of the executable as the kernel reports it. argv: with the name in front,
    which is ignored. whole: whether these are all arguments.

    >>> label("/usr/bin/python3", [b"x", b"job.py", b"--queue", b"mail", b"--key=k"])
    'python3 job.py --queue --key (+2 hidden)'
    """
    words = [word.decode(errors="surrogateescape") for word in argv[1:]]
    program = basename(exe)
    script = _script(program.removesuffix(" (deleted)"), words)
    shown, hidden = _options(words)
    hidden -= script is not None
    parts = [printable(program, limit=60), *([script] if script else []), *shown]
    if not whole:
        parts.append(f"(+{hidden} hidden and more)")
    elif hidden:
        parts.append(f"(+{hidden} hidden)")
    return " ".join(parts)


def basename(exe: str) -> str:
    """Return the file name of an executable; a mark that it is deleted stays."""
    return PurePosixPath(exe).name or exe


def script_of(text: str) -> str | None:
    """Return the script in a text that `label` made, or None."""
    words = text.replace(" (deleted)", "", 1).split(" ")
    if len(words) > 1 and not words[1].startswith(("-", "(")):
        return words[1]
    return None


def _script(program: str, words: Sequence[str]) -> str | None:
    """Find what an interpreter runs; None when in doubt."""
    for names, interpreter in _INTERPRETERS:
        if names.fullmatch(program):
            return _first_positional(interpreter, words)
    return None


def _first_positional(interpreter: _Interpreter, words: Sequence[str]) -> str | None:
    rest = iter(words)
    for word in rest:
        if interpreter.module and word == interpreter.module:
            return _named(next(rest, ""))
        if word in interpreter.valued:
            next(rest, None)
        elif not word.startswith("-"):
            return _named(word, module=False)
        elif word not in interpreter.flags and not _is_attached(word):
            return None
    return None


def _is_attached(word: str) -> bool:
    """Say whether an option carries its value with it, so that none follows."""
    return word.startswith(("-D", "-X", "-W")) or bool(_LONG_WITH_VALUE.match(word))


def _named(word: str, *, module: bool = True) -> str | None:
    if len(word) > _PATH_LENGTH:
        return None
    if match := _SCRIPT.fullmatch(word):
        return match[1]
    if match := _COMMAND.fullmatch(word):
        return match[1]
    if module and len(word) <= _MODULE_LENGTH and _MODULE.fullmatch(word):
        return word
    return None


def _options(words: Sequence[str]) -> tuple[list[str], int]:
    """Return the names of long options to show and how many arguments are not whole."""
    shown: list[str] = []
    hidden = 0
    for position, word in enumerate(words):
        if word == "--":
            return shown, hidden + len(words) - position - 1
        name = _option_name(word)
        if name and name not in shown and len(shown) < _MAX_OPTIONS:
            shown.append(name)
            hidden += "=" in word
        else:
            hidden += 1
    return shown, hidden


def _option_name(word: str) -> str | None:
    match = _OPTION.fullmatch(word[:_PATH_LENGTH])
    if match is None or len(match[1]) > _OPTION_LENGTH:
        return None
    if sum(map(str.isdigit, match[1])) > _OPTION_DIGITS:
        return None
    return f"--{match[1]}"
