"""Files go only if they are exactly what was approved; everything else stays."""

import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remediation.action import digest, from_json, in_words, to_json
from remediation.outcome import Result, Seen
from remediation.target.area import Spared
from tests.remediation.acts.litter import (
    LONG_AGO,
    action_on,
    area_of,
    cleaned,
    listed,
    mounted,
    needs_root,
    old,
)


def test_the_approved_files_go_and_what_is_free_is_told(tmp_path: Path) -> None:
    old(tmp_path / "a.gz", 3_000_000)
    old(tmp_path / "deep" / "b.gz")
    kept = [old(tmp_path / "a.log"), old(tmp_path / "c.gz", written=time.time())]
    area = area_of(tmp_path)

    outcome = cleaned(area, action_on(area))

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.CLEANED)
    assert outcome.summary.startswith(f"Deleted 2 of 2 files (3.0 MB) in {tmp_path}: ")
    assert " are free there, " in outcome.summary
    assert sorted(tmp_path.rglob("*.*")) == sorted(kept)


def test_the_space_of_a_file_system_comes_back(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    with mounted(tmp_path / "small") as disk:
        old(disk / "a.gz", 4_000_000)
        full = os.statvfs(disk).f_bavail
        area = area_of(disk)
        cleaned(area, action_on(area))
        found = os.statvfs(disk)
        assert (found.f_bavail - full) * found.f_frsize >= 4_000_000


# --- what changed since it was listed ---------------------------------------------


def _larger(file: Path) -> None:
    old(file, 2000)


def _written(file: Path) -> None:
    os.utime(file, (LONG_AGO, LONG_AGO + 1))


def _replaced(file: Path) -> None:
    old(file.with_suffix(".new")).rename(file)


def _removed(file: Path) -> None:
    file.unlink()


def _a_link(file: Path) -> None:
    file.rename(file.with_suffix(".real"))
    file.symlink_to(file.with_suffix(".real"))


def _a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _twice(file: Path) -> None:
    os.link(file, file.with_suffix(".too"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_larger, Spared.CHANGED),
        (_written, Spared.CHANGED),
        (_replaced, Spared.CHANGED),
        (_a_link, Spared.CHANGED),
        (_a_folder, Spared.CHANGED),
        (_a_pipe, Spared.CHANGED),
        (_removed, Spared.GONE),
        (_twice, Spared.LINKED),
    ],
)
def test_what_is_not_as_it_was_listed_stays(
    tmp_path: Path, change: Callable[[Path], None], reason: Spared
) -> None:
    file = old(tmp_path / "a.gz")
    area = area_of(tmp_path)
    action = action_on(area)
    change(file)
    there = sorted(path.name for path in tmp_path.iterdir())

    outcome = cleaned(area, action)

    assert outcome.result is Result.REFUSED
    assert f"Left: 1 {reason}" in outcome.summary
    assert sorted(path.name for path in tmp_path.iterdir()) == there


def test_a_folder_that_became_a_link_leads_nowhere(tmp_path: Path) -> None:
    file = old(tmp_path / "logs" / "in" / "a.gz")
    area = area_of(tmp_path / "logs")
    action = action_on(area)
    file.parent.rename(tmp_path / "moved")
    (tmp_path / "logs" / "in").symlink_to(tmp_path / "moved")

    outcome = cleaned(area, action)

    assert f"Left: 1 {Spared.CHANGED}" in outcome.summary
    assert (tmp_path / "moved" / "a.gz").exists()


def test_an_area_behind_a_link_is_refused(tmp_path: Path) -> None:
    old(tmp_path / "real" / "a.gz")
    action = action_on(area_of(tmp_path / "real"))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    area = area_of(tmp_path / "link")

    outcome = cleaned(area, replace(action, folder=area.folder))

    assert outcome.result is Result.REFUSED
    assert "the folder cannot be opened (Not a directory)" in outcome.summary
    assert (tmp_path / "real" / "a.gz").exists()


@needs_root
@pytest.mark.parametrize("by", ["tmpfs", "bind"])
def test_nothing_on_another_mount_goes(tmp_path: Path, by: str) -> None:
    file = old(tmp_path / "logs" / "in" / "a.gz")
    area = area_of(tmp_path / "logs")
    action = action_on(area)
    words = () if by == "tmpfs" else ("--bind", str(file.parent))
    with mounted(file.parent, *words):
        if by == "tmpfs":
            old(file)
        outcome = cleaned(area, action)
        assert file.exists()
    assert f"Left: 1 {Spared.OTHER_MOUNT}" in outcome.summary
    assert file.exists()


@needs_root
def test_a_file_that_is_a_mount_of_its_own_stays(tmp_path: Path) -> None:
    file, other = old(tmp_path / "a.gz"), old(tmp_path / "other")
    area = area_of(tmp_path)
    action = action_on(area)
    subprocess.run(["/usr/bin/mount", "--bind", str(file), str(file)], check=True)
    try:
        outcome = cleaned(area, action)
    finally:
        subprocess.run(["/usr/bin/umount", str(file)], check=True)
    assert f"Left: 1 {Spared.OTHER_MOUNT}" in outcome.summary
    assert file.exists() and other.exists()


# --- who stops it -----------------------------------------------------------------


def test_a_lock_on_the_way_leaves_the_rest(tmp_path: Path) -> None:
    for number in range(9):
        old(tmp_path / f"{number}.gz")
    area = area_of(tmp_path)
    asked: list[object] = []

    def locked(facts: object) -> str | None:
        asked.append(facts)
        return "the bot was locked: too many cooks" if len(asked) > 5 else None

    outcome = cleaned(area, action_on(area), recheck=locked)

    assert outcome.result is Result.INTERRUPTED
    assert outcome.summary == (
        "Stopped on the way: the bot was locked: too many cooks. "
        "Deleted before: 4 of 9 files (4.0 KB)"
    )
    assert len(list(tmp_path.iterdir())) == 5
    assert set(asked) == {area}


def test_what_policy_forbids_is_left_alone(tmp_path: Path) -> None:
    file = old(tmp_path / "a.gz")
    area = area_of(tmp_path)
    outcome = cleaned(area, action_on(area), recheck=lambda _: "a rule says no")
    assert outcome.result is Result.REFUSED and "a rule says no" in outcome.summary
    assert file.exists()


def test_what_belongs_to_another_boot_or_area_is_left_alone(tmp_path: Path) -> None:
    file = old(tmp_path / "a.gz")
    area = area_of(tmp_path)
    action = action_on(area)
    for other in (replace(action, boot_id="0" * 36), replace(action, area="gone")):
        assert cleaned(area, other).result is Result.REFUSED
    assert file.exists()


def test_an_area_that_asks_for_more_age_than_was_approved_keeps_the_file(
    tmp_path: Path,
) -> None:
    file = old(tmp_path / "a.gz")
    area = area_of(tmp_path)
    action = replace(action_on(area), older_than=timedelta(days=300))
    assert f"1 {Spared.YOUNG}" in cleaned(area, action).summary
    assert file.exists()


# --- as a value -------------------------------------------------------------------


def test_it_says_what_goes_and_every_file_is_in_its_hash(tmp_path: Path) -> None:
    old(tmp_path / "a.gz", 1_200_000)
    old(tmp_path / "b.gz")
    action = action_on(area_of(tmp_path))

    assert in_words(action) == (
        f"Delete 2 files (1.2 MB) in {tmp_path} on web-3: app logs older than 7 days"
    )
    assert from_json(to_json(action)) == action
    changed = replace(action.files[1], mtime_ns=action.files[1].mtime_ns + 1)
    other = replace(action, files=(action.files[0], changed))
    assert digest(other) != digest(action)


# --- whatever happens -------------------------------------------------------------

NAMES = st.sampled_from(["a.gz", "b.gz", "c.log", "sub/d.gz", "sub/e.txt", "sub/f.gz"])


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    made=st.sets(NAMES),
    young=st.sets(NAMES),
    chosen=st.sets(NAMES),
    changed=st.sets(NAMES),
    opened=st.sets(NAMES),
)
def test_only_what_is_approved_old_and_closed_ever_goes(
    tmp_path_factory: pytest.TempPathFactory,
    made: set[str],
    young: set[str],
    chosen: set[str],
    changed: set[str],
    opened: set[str],
) -> None:
    folder = tmp_path_factory.mktemp("area")
    for name in made:
        old(folder / name, written=time.time() if name in young else LONG_AGO)
    area = area_of(folder)
    everything = listed(replace(area, files=("*.*",), older_than=timedelta(0)))
    approved = [file for file in everything if file.path in chosen]
    for name in made & changed:
        with (folder / name).open("ab") as file:
            file.write(b"!")
        os.utime(folder / name, (LONG_AGO, LONG_AGO))
    users = [(folder / name).open("rb") for name in made & opened]

    cleaned(area, action_on(area, approved))

    for user in users:
        user.close()
    gone = {name for name in made if not (folder / name).exists()}
    might = {name for name in made & chosen if name.endswith(".gz")}
    assert gone == might - young - changed - opened


def test_whoever_swaps_names_and_folders_all_the_time_gains_nothing(
    tmp_path: Path,
) -> None:
    """Another's files have the same names, sizes and times: only the inode differs."""
    logs, others = tmp_path / "logs" / "in", tmp_path / "others"
    for number in range(300):
        old(logs / f"{number}.gz")
        old(others / f"{number}.gz")
    area = area_of(tmp_path / "logs")
    action = action_on(area)
    swaps = 0
    done = threading.Event()

    def swap() -> None:
        nonlocal swaps
        away = tmp_path / "away"
        while not done.is_set():
            logs.rename(away)
            (logs.parent / "link").symlink_to(others)
            (logs.parent / "link").rename(logs)
            logs.unlink()
            away.rename(logs)
            swaps += 1

    attacker = threading.Thread(target=swap)
    attacker.start()
    try:
        for _ in range(20):
            cleaned(area, action)
    finally:
        done.set()
        attacker.join()
    gone = 300 - len(list(others.iterdir()))
    print(f"{swaps} swaps while cleaning 20 times; deleted elsewhere: {gone}")
    assert swaps and gone == 0
