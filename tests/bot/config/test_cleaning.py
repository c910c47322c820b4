"""What the file may list for cleaning, and what each of its words means."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.config.cleaning import CleaningSection
from remediation.target.area import Area

OWN: dict[str, Any] = {
    "name": "app",
    "folder": "/srv/app/log",
    "files": ["*.gz"],
    "older_than": "7d",
}


def areas(**fields: Any) -> dict[str, Area]:
    return {area.name: area for area in CleaningSection(**fields).areas()}


def test_nothing_is_listed_by_itself() -> None:
    assert areas() == {}


def test_a_folder_of_ones_own() -> None:
    assert areas(folders=[OWN]) == {
        "app": Area(
            name="app",
            folder="/srv/app/log",
            files=("*.gz",),
            older_than=timedelta(days=7),
        )
    }


@pytest.mark.parametrize(
    ("preset", "goes", "stays"),
    [
        (
            "journal",
            ["4f/system@0f-1-2.journal", "4f/user-1000@1-2.journal", "4f/s@1.journal~"],
            ["4f/system.journal", "4f/user-1000.journal", "x/y/system@1.journal"],
        ),
        (
            "package_cache",
            ["nginx_1.2_amd64.deb"],
            ["lock", "partial/x.deb", "x.deb.tmp"],
        ),
        (
            "rotated_logs",
            [
                *("syslog.1", "wtmp.1", "nginx/access.log.14.gz", "Xorg.0.log.old"),
                *("messages-20260101", "messages-20260101.xz", "app-2026-01-31.zst"),
            ],
            [
                *("syslog", "nginx/access.log", "wtmp", "lastlog", "Xorg.0.log"),
                *("installer/initial-status.gz", "mysql-bin.000001", "dump.gz"),
                "journal/4f/system@0f-1-2.journal",
            ],
        ),
    ],
)
def test_what_the_three_words_take(
    preset: str, goes: list[str], stays: list[str]
) -> None:
    area = areas(**{preset: "7d"})[preset]
    assert [path for path in goes if not area.has(path)] == []
    assert [path for path in stays if area.has(path)] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"folder": "/etc"}, "nothing at or below /etc is ever cleaned"),
        ({"folder": "/var/lib/mysql"}, "nothing at or below /var/lib/mysql"),
        ({"folder": "/"}, "/ holds too much"),
        ({"folder": "/srv/../etc"}, "without .."),
        ({"files": ["*"]}, "too wide: it would take passwd"),
        ({"files": []}, "at least 1 item"),
        ({"older_than": "59m"}, "within the hour is not old"),
        ({"name": "journal"}, "another area is named journal too"),
        ({"name": "My Logs"}, "should match pattern"),
        ({"depth": 9}, "less than or equal to 8"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_what_is_no_litter_is_refused_in_words(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        areas(folders=[{**OWN, **changes}])


def test_two_folders_have_two_names() -> None:
    with pytest.raises(ValidationError, match="another area is named app too"):
        areas(folders=[OWN, {**OWN, "folder": "/srv/other"}])
