"""What is kept for long enough goes by itself, as the configuration and the clock say."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.config.retention import RetentionSection
from bot.host.boots import Boots
from bot.keeping.bygone import Bygone, Counts
from bot.keeping.retention import Retention
from bot.storage import store
from tests.fakes.story import Story

YEAR = timedelta(days=365)


@pytest.fixture
def lived(story: Story) -> Story:
    """Incident 1 is over; incident 2 began a year later, and is open."""
    story.ends()
    story.clock.go(YEAR.total_seconds())
    story.opens()
    return story


@pytest.fixture
def bygone(lived: Story, tmp_path: Path) -> Bygone:
    return Bygone(lived.database, tmp_path)


def retention(story: Story, bygone: Bygone, **section: object) -> Retention:
    made = RetentionSection.model_validate(section)
    return Retention(
        bygone=bygone, database=story.database, clock=story.clock, section=made
    )


def test_nothing_goes_by_itself_unless_it_is_configured(
    lived: Story, bygone: Bygone
) -> None:
    retention(lived, bygone).step()
    assert lived.incident(1).number == 1


def test_what_is_kept_long_enough_goes_by_itself(
    lived: Story, bygone: Bygone, caplog: pytest.LogCaptureFixture
) -> None:
    retention(lived, bygone, incidents="366d").step()
    assert lived.incident(1).number == 1
    with caplog.at_level(logging.INFO):
        retention(lived, bygone, incidents="300d").step()
    with pytest.raises(store.Unknown):
        lived.incident(1)
    assert "retention.purged incidents=1" in caplog.text
    assert "kept for 300 d (retention.incidents)" in lived.texts()


def test_a_round_ends_in_time_and_the_next_goes_on(
    lived: Story, caplog: pytest.LogCaptureFixture
) -> None:
    class Slow(Bygone):
        def take(self, *args: object, **more: object) -> Counts:
            lived.clock.go(11)
            return super().take(*args, **more)  # type: ignore[arg-type]

    slow = Slow(lived.database, Path("/nonexistent"))
    with caplog.at_level(logging.INFO):
        retention(lived, slow, incidents="300d").step()
    assert "incidents=1" in caplog.text and "done=False" in caplog.text


def test_a_ledger_that_was_changed_is_left_alone_and_said(
    lived: Story, bygone: Bygone, caplog: pytest.LogCaptureFixture
) -> None:
    with lived.database.write() as tx:
        tx.execute(text("UPDATE events SET text = 'other' WHERE seq = 2"))
    retention(lived, bygone, incidents="300d").step()
    assert lived.incident(1).number == 1
    assert "retention.stopped" in caplog.text


# --- clocks that leap ----------------------------------------------------------------


def test_a_clock_that_leaps_ahead_purges_nothing_before_a_day_was_lived_with_it(
    lived: Story, bygone: Bygone, caplog: pytest.LogCaptureFixture
) -> None:
    retention(lived, bygone, incidents="366d").step()
    lived.clock.wall += timedelta(days=800)

    for _ in range(3):
        # Anew in each process: what is known of the clock is kept.
        retention(lived, bygone, incidents="366d").step()
        lived.clock.go(3600)

    assert lived.incident(1).number == 1
    assert caplog.text.count("retention.waits: the clock is 800 d beyond") == 1
    lived.clock.go(21 * 3600)
    retention(lived, bygone, incidents="366d").step()
    with pytest.raises(store.Unknown):
        lived.incident(1)


def test_a_clock_that_is_put_right_again_holds_nothing_up(
    lived: Story, bygone: Bygone
) -> None:
    retention(lived, bygone, incidents="366d").step()
    lived.clock.wall += timedelta(days=800)
    retention(lived, bygone, incidents="366d").step()
    lived.clock.wall -= timedelta(days=800)
    lived.clock.go(2 * 86400)

    retention(lived, bygone, incidents="366d").step()

    with pytest.raises(store.Unknown):
        lived.incident(1)


@pytest.mark.parametrize("is_known_alive", [True, False])
def test_the_first_look_goes_by_the_newest_sign_of_life(
    lived: Story, bygone: Bygone, *, is_known_alive: bool
) -> None:
    lived.clock.wall += timedelta(days=800)
    if is_known_alive:
        Boots(lived.database).end(lived.clock.now())
    retention(lived, bygone, incidents="366d").step()
    if is_known_alive:
        with pytest.raises(store.Unknown):
            lived.incident(1)
    else:
        assert lived.incident(1).number == 1
