"""/proc/loadavg as it is here, and as it is nowhere."""

import os
from pathlib import Path

import pytest

from bot.kernel import loadavg
from bot.kernel.roots import Roots


def test_the_kernels_own_figures() -> None:
    found = loadavg.read(Roots())

    assert found.one == pytest.approx(os.getloadavg()[0], abs=1)
    assert 1 <= found.running <= found.tasks


@pytest.mark.parametrize("text", ["", "nan", "1.0 2.0", "a b c d/e f"])
def test_what_is_not_understood_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "loadavg").write_text(text)

    with pytest.raises(ValueError, match="no load"):
        loadavg.read(Roots(proc=tmp_path))
