"""What is written is true: README, ARCHITECTURE and the examples against the code."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot import detectors
from bot.config.durations import parse_duration
from bot.config.environment import Environment
from bot.config.settings import DetectorSection, Settings, _section, load
from bot.wiring import parts
from handlers.commands import Commands
from handlers.verbs import BY_CLICK, CHANGES, VERBS, WORDS
from tests.scenarios.pictures import MOST_BYTES, PICTURES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


def rows(heading: str) -> list[tuple[str, ...]]:
    """The rows of the table whose head line begins so."""
    found = README.partition(f"| {heading}")[2].partition("\n\n")[0]
    lines = found.splitlines()[2:]
    return [
        tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))
        for line in lines
    ]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# --- rooms ---------------------------------------------------------------------------


def test_architecture_names_every_room_and_no_other() -> None:
    table = ARCHITECTURE.partition("| line | rooms |")[2].partition("\n\n")[0]
    rooms = {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")}
    assert set(names(table)) - {"/proc", "/sys"} == rooms


def test_architecture_names_every_file_beside_the_rooms() -> None:
    beside = ARCHITECTURE.partition("Beside the rooms lie")[2].partition("No two")[0]
    files = {path.name for path in (ROOT / "bot").glob("[!_]*.py")}
    assert set(names(beside)) == files


def test_each_file_that_architecture_names_is_there() -> None:
    homes = (
        ROOT,
        *(ROOT / name for name in ("bot", "handlers", "memory", "remediation")),
    )
    for name in re.findall(r"`([\w/]+\.(?:py|md|yaml))`", ARCHITECTURE):
        if "/" in name:
            assert any((home / name).exists() for home in homes), name
        else:
            assert (
                next(iter(ROOT.glob(f"[!.]*/**/{name}")), None)
                or (ROOT / name).exists()
            )


def test_each_file_that_a_docstring_names_is_beside_it_or_in_its_room() -> None:
    for home in ("bot", "handlers", "memory", "remediation"):
        for file in (ROOT / home).rglob("*.py"):
            said = ast.get_docstring(ast.parse(file.read_text())) or ""
            for name in re.findall(r"`([\w/]+\.py)`", said):
                places = (file.parent, file.parent.parent, ROOT / home, ROOT)
                assert any((place / name).exists() for place in places), (file, name)


# --- commands ------------------------------------------------------------------------


def test_readme_lists_exactly_the_slash_commands() -> None:
    table = {names(first)[0]: second for first, second, *_ in rows("`/sre …`")}
    assert list(table) == list(VERBS)


def test_every_verb_has_its_method() -> None:
    for word in WORDS:
        assert callable(getattr(Commands, f"_{word}"))


def test_special_verbs_are_verbs() -> None:
    assert set(WORDS) >= CHANGES | BY_CLICK


def test_readme_lists_exactly_the_programs_commands() -> None:
    from bot.cli.commands import _parser

    help_text = _parser().format_help()
    table = [names(first)[0] for first, *_ in rows("`countersign …`")]
    for words in table:
        assert words.split()[0] in help_text
    spoken = re.findall(r"^    ([a-z]+)(?:  |$)", help_text, re.MULTILINE)
    assert {words.split()[0] for words in table} == set(spoken)


# --- configuration -------------------------------------------------------------------


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        path = prefix + (field.alias or name)
        inner = field.default
        if path == "detectors":
            yield from keys(DetectorSection, "detectors.NAME.")
            yield from sections_of_detectors()
        elif isinstance(inner, BaseModel):
            yield from keys(type(inner), f"{path}.")
        else:
            yield path


def sections_of_detectors() -> Iterator[str]:
    """What a detector has beside its limits that is a section of its own."""
    for detector, model in parts.sections().items():
        for name, found in model.model_fields.items():
            if _section(found.annotation):
                yield f"detectors.{detector}.{name}"


def documented() -> list[str]:
    found: list[str] = []
    for first, *_ in rows("key "):
        head, *more = names(first)
        base = head.rpartition(".")[0]
        found += [head, *(f"{base}{name}" for name in more)]
    return found


def test_readme_names_every_setting_and_no_other() -> None:
    assert sorted(documented()) == sorted(keys(Settings))


def test_readmes_defaults_are_the_defaults() -> None:
    said = {names(f)[0]: second for f, second, *_ in rows("key ") if names(f)}
    policy = Settings().policy
    for key, value in (
        ("policy.approval_ttl", policy.approval_ttl),
        ("policy.cooldown", policy.cooldown),
        ("policy.grace", policy.grace),
        ("policy.pause_for", policy.pause_for),
        ("verify.window", Settings().verify.window),
        ("heartbeat.every", Settings().heartbeat.every),
        ("detectors.NAME.keep_firing_for", _default("keep_firing_for")),
    ):
        assert parse_duration(names(said[key])[0]) == value, key
    for key, number in (
        ("policy.approvals", policy.approvals),
        ("policy.actions_per_hour", policy.actions_per_hour),
        ("policy.lower_to", policy.lower_to),
    ):
        assert names(said[key]) == [str(number)], key


def _default(name: str) -> object:
    return DetectorSection.model_fields[name].default


def test_readme_names_every_detector() -> None:
    line = README.partition("\n| of | detectors")[2].partition("\n\n")[0]
    assert set(names(line)) == set(detectors.known())


def test_readme_names_every_variable_that_is_read() -> None:
    class Asked(dict[str, str]):
        """Remembers what it was asked for."""

        seen: set[str] = set()  # noqa: RUF012 - one use

        def get(self, key: str, default: object = None) -> str | None:  # type: ignore[override]
            del default
            self.seen.add(key)
            return None

    Environment.read(Asked())
    foreign = {"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME", "CREDENTIALS_DIRECTORY"}
    table = {names(first)[0] for first, *_ in rows("variable")}
    assert table == (Asked.seen - foreign) | {"COUNTERSIGN_LOG"}


def test_the_example_configuration_is_valid() -> None:
    loaded = load(ROOT / "deploy" / "countersign.yaml", parts.sections())
    assert set(loaded.detectors) == set(detectors.known())


# --- files ---------------------------------------------------------------------------


def test_architecture_names_only_files_that_exist() -> None:
    paths = re.findall(r"`((?:bot|handlers|remediation|tests)/[\w./]*)`", ARCHITECTURE)
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert len(paths) > 15
    assert missing == []


@pytest.mark.parametrize("text", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_files_and_pictures_that_are_named_exist(text: str) -> None:
    content = (ROOT / text).read_text()
    paths = re.findall(r"\]\(((?!http)[^)#]+)\)", content)
    paths += re.findall(r"`([A-Z]+\.md|deploy/[\w./-]+)`", content)
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


def test_readme_shows_the_pictures_that_the_script_takes_and_no_other() -> None:
    shown = re.findall(r"deploy/pictures/([\w-]+)\.png", README)
    kept = {file.stem for file in (ROOT / "deploy" / "pictures").iterdir()}
    assert sorted(shown) == sorted(PICTURES)
    assert kept == set(PICTURES)
    for name in PICTURES:
        size = (ROOT / "deploy" / "pictures" / f"{name}.png").stat().st_size
        assert size < MOST_BYTES, name


def test_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named: set[str] = set()
    for text in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"):
        named |= set(
            re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b", (ROOT / text).read_text())
        )
    assert {n for n in named if f"\n{n}:" not in makefile} <= {"sure", "of"}


def of_this_machine() -> Iterator[str]:
    """Patterns of what only this machine has: its paths, and where it gets packages."""
    # Not behind a part of another path: a checkout may lie in a folder of a plain name.
    begins = r"(^|[^[:alnum:]_./~*-])"
    for path in (ROOT, Path.home()):
        yield f"{begins}{re.escape(str(path))}/"
    yield r"index-url[ =]+[a-z]+:"
    # An index of packages, whatever its host (PEP 503).
    yield r"https?://[^ ]+/simple([^[:alnum:]_]|$)"


def test_no_machine_of_ours_is_named_in_what_is_shipped() -> None:
    patterns = [word for one in of_this_machine() for word in ("-e", one)]
    found = subprocess.run(
        ["git", "grep", "-nIE", *patterns, "--", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (found.stdout, found.stderr) == ("", "")
