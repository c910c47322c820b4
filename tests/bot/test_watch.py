"""The rounds: a fault in one detector stops no other and hides nothing."""

import threading
from collections.abc import Collection

import pytest

from bot.blame.expected import ExpectedWork
from bot.host.metrics import History
from bot.model import Finding, Level
from bot.ports import NotTold
from bot.runtime.telemetry import Telemetry
from bot.watch import Watch
from tests.detectors.pieces import this_host
from tests.fakes.story import FakeDetector, Story


def watching(story: Story, *detectors: FakeDetector) -> Watch:
    return Watch(
        host="web-1",
        detectors=detectors,
        respond=story.respond,
        clock=story.clock,
        history=story.history,
        telemetry=Telemetry(),
        expected=ExpectedWork((), this_host(), lambda *_: None),
    )


def errors(watch: Watch, name: str) -> float | None:
    return watch._telemetry.registry.get_sample_value(
        "countersign_detector_errors_total", {"detector": name}
    )


def test_a_round_opens_what_it_found(story: Story) -> None:
    watching(story, FakeDetector("cpu", story.found())).round("cpu")
    assert len(story.open()) == 1


def test_figures_go_into_the_history(story: Story) -> None:
    watching(story, FakeDetector("cpu", story.well())).round("cpu")
    assert story.history.names() == ("cpu",)


def test_missing_figures_do_not(story: Story) -> None:
    missing = story.found(value=None, level=Level.UNKNOWN)
    watching(story, FakeDetector("cpu", missing)).round("cpu")
    assert isinstance(story.history, History)
    assert story.history.names() == ()


def test_a_detector_is_told_what_is_watched(story: Story) -> None:
    detector = FakeDetector("cpu", story.found())
    watch = watching(story, detector)
    watch.round("cpu")
    watch.round("cpu")
    assert detector.watched == frozenset({""})


def test_a_detector_that_raises_makes_its_conditions_unknown(story: Story) -> None:
    detector = FakeDetector("cpu", story.well())
    watch = watching(story, detector)
    watch.round("cpu")
    detector.raises = ValueError("nonsense in /proc")
    story.clock.go(5)
    watch.round("cpu")
    assert story.incident().title == "No data for CPU on web-1"
    assert errors(watch, "cpu") == 1


def test_a_detector_that_raises_resolves_nothing(story: Story) -> None:
    detector = FakeDetector("cpu", story.found())
    watch = watching(story, detector)
    watch.round("cpu")
    detector.raises = ValueError("nonsense in /proc")
    for _ in range(5):
        story.clock.go(60)
        watch.round("cpu")
    assert story.incident().is_open


@pytest.mark.promise(33)
def test_a_detector_that_raises_stops_no_other(story: Story) -> None:
    broken, sound = FakeDetector("memory"), FakeDetector("cpu", story.found())
    broken.raises = ValueError("nonsense in /proc")
    watch = watching(story, broken, sound)
    for name in watch.detectors:
        watch.round(name)
    assert story.open()[1].lead.detector == "cpu"
    assert story.open()[0].title == "No data for memory on web-1"
    print("promise 33: 1 detector fails: said on a card, the others find theirs")


def test_what_the_host_does_not_tell_is_said_once_and_opens_nothing(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    detector = FakeDetector("cpu")
    detector.raises = NotTold("this kernel has no such file")
    watch = watching(story, detector)
    for _ in range(3):
        watch.round("cpu")
        story.clock.go(60)
    assert story.open() == []
    assert watch.untold == {"cpu": "this kernel has no such file"}
    assert caplog.text.count("this kernel has no such file") == 1
    assert watch.failures["cpu"] == 0


def test_a_detector_that_failed_and_has_nothing_to_tell_is_no_alarm_for_ever(
    story: Story,
) -> None:
    detector = FakeDetector("temperature")
    detector.raises = ValueError("nonsense in /sys")
    watch = watching(story, detector)
    watch.round("temperature")
    assert story.incident().is_open
    detector.raises = NotTold("this host has no sensors")
    for _ in range(30):
        story.clock.go(60)
        watch.round("temperature")
    assert story.open() == []


def test_what_was_measured_and_is_told_no_more_is_unknown(story: Story) -> None:
    detector = FakeDetector("cpu", story.well())
    watch = watching(story, detector)
    watch.round("cpu")
    detector.raises = NotTold("the bot may not read it")
    story.clock.go(60)
    watch.round("cpu")
    assert story.incident().title == "No data for CPU on web-1"
    detector.raises = None
    watch.round("cpu")
    assert watch.untold == {}


class Hanging(FakeDetector):
    """Does not come back before it is let go, as a read of a dead mount does not."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.began = threading.Event()
        self.let_go = threading.Event()

    def check(self, watched: Collection[str]) -> list[Finding]:
        self.began.set()
        assert self.let_go.wait(10)
        return super().check(watched)


@pytest.mark.promise(33)
def test_a_round_that_hangs_is_marked_and_others_go_on(story: Story) -> None:
    hanging = Hanging("disk")
    watch = watching(story, hanging, FakeDetector("cpu", story.well()))
    stuck = threading.Thread(target=watch.round, args=("disk",))
    stuck.start()
    try:
        assert hanging.began.wait(10)
        watch.mark_hung()
        assert "disk" not in {f.detector for f in story.respond.current().values()}
        for _ in range(2):
            story.clock.go(60)
            watch.round("cpu")
            watch.mark_hung()
        (found,) = story.open()
        said = "The detector disk does not come to an end on web-1."
        assert found.lead.summary == said
        assert found.lead.level is Level.UNKNOWN
        print("promise 33: 1 detector hangs: said on a card, the others measure on")
    finally:
        hanging.let_go.set()
        stuck.join()


def test_what_measures_again_ends_what_stood_for_it(story: Story) -> None:
    disk = story.found(detector="disk", subject="/srv", level=Level.OK)
    detector = FakeDetector("disk", disk)
    detector.raises = ValueError("nonsense in /proc")
    watch = watching(story, detector)
    watch.round("disk")
    assert len(story.open()) == 1
    detector.raises = None
    detector.findings.append(
        story.found(detector="disk", value=None, level=Level.UNKNOWN)
    )
    story.clock.go(5)
    watch.round("disk")
    assert story.open() == []
