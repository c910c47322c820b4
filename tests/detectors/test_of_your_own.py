"""The detector that CONTRIBUTING shows is one: the block is a file, and it measures."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from bot import detectors
from bot.config.settings import DetectorSection, Loaded, Settings
from bot.config.yamlfile import BadConfiguration
from bot.doctor import configuration
from bot.model import Level
from tests.detectors.pieces import this_host

GUIDE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()


@pytest.fixture
def spool(tmp_path: Path) -> ModuleType:
    """The block, as a person would save it."""
    (block,) = re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    file = tmp_path / "spool.py"
    file.write_text(block)
    spec = importlib.util.spec_from_file_location("spool", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_counts_and_says_what_to_do_by_hand(
    spool: ModuleType, tmp_path: Path
) -> None:
    folder = tmp_path / "outbox"
    folder.mkdir()
    section = spool.DETECTOR.Section.model_validate(
        {"folder": str(folder), "for": "2s", "warning": 3, "critical": 9}
    )
    detector = spool.DETECTOR(section, this_host())

    (before,) = detector.check(())
    for number in range(5):
        (folder / str(number)).touch()
    (after,) = detector.check(())

    assert (before.value, before.level) == (0, Level.OK)
    assert (after.value, after.level) == (5, Level.WARNING)
    assert after.summary == f"5 files wait in {folder}."
    assert after.no_action is not None and after.no_action.by_hand


def test_a_folder_that_is_not_there_is_no_data(
    spool: ModuleType, tmp_path: Path
) -> None:
    section = spool.DETECTOR.Section(folder=tmp_path / "nowhere")

    (found,) = spool.DETECTOR(section, this_host()).check(())

    assert (found.value, found.level) == (None, Level.UNKNOWN)


def test_it_is_named_as_its_file(spool: ModuleType) -> None:
    assert spool.DETECTOR.name == "spool"
    assert "`bot/detectors/spool.py`" in GUIDE


def test_one_that_cannot_be_loaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "of_before.py").write_text("from bot.settings import DetectorSection\n")
    monkeypatch.setattr(detectors, "__path__", [*detectors.__path__, str(tmp_path)])

    with pytest.raises(BadConfiguration, match=r"of_before.*No module named 'bot\.s"):
        detectors.known()


def test_limits_without_a_default_are_none_that_could_be_forgotten() -> None:
    class Own(DetectorSection):
        """Limits as the team gives them."""

    made = Own(warning=5, critical=3)
    loaded = Loaded(settings=Settings(), detectors={"own": made})
    assert list(configuration._limits(loaded)) == []
