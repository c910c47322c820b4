"""Which old files may be deleted, as it stands in the file below `policy.cleaning`.

Nothing is listed by itself. Three kinds of litter that every host has need only their
age; any other folder is named with patterns of its own.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from bot.config.durations import Duration
from bot.config.section import Section
from remediation.target.area import DEEPEST, YOUNGEST, Area, wrong_folder, wrong_pattern

# What a vacuum unlinks: journal files that were closed for good, never the live ones.
_JOURNAL: Final = ("*@*.journal", "*@*.journal~")
_PACKAGES: Final = ("*.deb",)
# A number or a date behind the name, and then perhaps compressed: logrotate's and
# Debian's ways. A name without either may be anything, such as a live log.
_ROTATED: Final = tuple(
    f"*{mark}{packed}"
    for mark in (
        *(".[0-9]", ".[0-9][0-9]", ".old"),
        *("-20[0-9][0-9][01][0-9][0-3][0-9]", "-20[0-9][0-9]-[01][0-9]-[0-3][0-9]"),
    )
    for packed in ("", ".[gx]z", ".bz2", ".zst")
)

_PRESETS: Final = {
    "journal": ("/var/log/journal", _JOURNAL, 1),
    "package_cache": ("/var/cache/apt/archives", _PACKAGES, 0),
    "rotated_logs": ("/var/log", _ROTATED, 4),
}


def _folder(path: str) -> str:
    if (wrong := wrong_folder(path)) is not None:
        raise ValueError(wrong)
    return path


def _pattern(pattern: str) -> str:
    if (wrong := wrong_pattern(pattern)) is not None:
        raise ValueError(wrong)
    return pattern


def _age(span: timedelta) -> timedelta:
    if span < YOUNGEST:
        raise ValueError("a file that was written to within the hour is not old: 1h")
    return span


Age = Annotated[Duration, AfterValidator(_age)]


class FolderSection(Section):
    """One folder: which files of it may go, and how old they must be.

    name: how cards and rules call it. files: patterns of file names. depth: levels of
    sub-folders that are looked into.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
    folder: Annotated[str, AfterValidator(_folder)]
    files: Annotated[
        tuple[Annotated[str, AfterValidator(_pattern)], ...], Field(min_length=1)
    ]
    older_than: Age
    depth: Annotated[int, Field(ge=0, le=DEEPEST)] = 0


class CleaningSection(Section):
    """Which old files may be deleted; without a key nothing.

    journal, package_cache, rotated_logs: how old such files must be. folders: others.
    untouched: for how long nothing may have been done to a file, such as restoring it.
    """

    journal: Age | None = None
    package_cache: Age | None = None
    rotated_logs: Age | None = None
    folders: tuple[FolderSection, ...] = ()
    untouched: Annotated[Duration, Field(ge=timedelta(0))] = YOUNGEST

    @model_validator(mode="after")
    def _names_differ(self) -> "CleaningSection":
        names = [folder.name for folder in self.folders]
        twice = {name for name in names if names.count(name) > 1 or name in _PRESETS}
        if twice:
            raise ValueError(f"another area is named {', '.join(sorted(twice))} too")
        return self

    def areas(self) -> Iterator[Area]:
        """Yield what may be cleaned."""
        ages: dict[str, timedelta | None] = {
            "journal": self.journal,
            "package_cache": self.package_cache,
            "rotated_logs": self.rotated_logs,
        }
        for name, (folder, files, depth) in _PRESETS.items():
            age = ages[name]
            if age is not None:
                yield Area(
                    name=name,
                    folder=folder,
                    files=files,
                    older_than=age,
                    depth=depth,
                    untouched=self.untouched,
                )
        for own in self.folders:
            yield Area(
                name=own.name,
                folder=own.folder,
                files=own.files,
                older_than=own.older_than,
                depth=own.depth,
                untouched=self.untouched,
            )
