"""What an installation is made from: this repository as a clone, its locked packages.

The packages are fetched once with this Python's pip and its configuration, by their
hashes; a Debian of the same release has the same Python.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.real.machines import ROOT, kept

LOCK = ROOT / "requirements.lock"


def wheels() -> Path:
    """Return the folder of everything that `requirements.lock` names."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    return kept(f"wheels-{digest}", _download)


def _download(folder: Path) -> None:
    options = ("--quiet", "--no-deps", "--require-hashes")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", *options),
            *("-r", str(LOCK), "-d", str(folder)),
        ],
        check=True,
        timeout=600,
    )


def cloned(folder: Path) -> Path:
    """Copy what a clone of this repository holds, as it is now, into a new folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder
