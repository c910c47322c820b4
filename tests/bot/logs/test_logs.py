"""Lines of logs: what says the same is one kind, and no secret goes on."""

import time
from datetime import timedelta

import pytest

from bot.logs.lines import LONGEST_LINE, LogLine, cleaned, folded, is_error, template
from tests.fakes.clock import START


def line(text: str, seconds: float = 0) -> LogLine:
    return LogLine(at=START + timedelta(seconds=seconds), text=text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("worker 7 died after 3.2s", "worker 12 died after 40ms"),
        ("peer 10.0.0.3:8080 refused", "peer 192.168.17.4:443 refused"),
        ("peer fe80::1 refused", "peer 2001:db8::17:4 refused"),
        (
            "request 550e8400-e29b-41d4-a716-446655440000 failed",
            "request 550e8400-e29b-41d4-a716-44665544abcd failed",
        ),
        ("2026-11-21T22:01:07.123+00:00 down", "2026-11-20 02:01:07,9 down"),
        ("object deadbeefcafe at 0x7f12aa", "object 00112233aabb at 0x0"),
        ("nginx[812]: bind() failed (98)", "nginx[99]: bind() failed (13)"),
    ],
)
def test_what_differs_in_numbers_is_one_kind(one: str, other: str) -> None:
    assert template(one) == template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("connection refused", "connection reset"),
        ("std::vector is full", "std::map is full"),
        ("cannot open /srv/a", "cannot open /srv/b"),
    ],
)
def test_what_differs_in_words_is_not(one: str, other: str) -> None:
    assert template(one) != template(other)


def test_a_kind_has_its_count_and_its_newest_example() -> None:
    lines = [line("job 3 failed", 3), line("disk full", 2), line("job 1 failed", 1)]
    disk, job = folded(lines)
    assert (disk.count, disk.newest.text) == (1, "disk full")
    assert (job.count, job.newest.text) == (2, "job 3 failed")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("level=error msg=x", True),
        ("java.lang.NullPointerException: x", True),
        ("Main process exited, failed with result 'exit-code'", True),
        ("connect: Connection refused", True),
        ("GET /health 200", False),
        ("started", False),
    ],
)
def test_errors_are_told_from_the_rest(*, text: str, expected: bool) -> None:
    assert is_error(line(text)) is expected


def test_a_secret_below_its_name_is_hidden_and_entries_stay_apart() -> None:
    first, second, third = cleaned(
        [
            line("password:\n  Summer2026!"),
            line("token=abcdefabcdef"),
            line("ok\x1b[31m"),
        ]
    )
    assert first.text == "password: [redacted]"
    assert second.text == "token=[redacted]"
    assert "\x1b" not in third.text


def test_a_long_line_is_cut_before_a_word_that_may_be_half_a_secret() -> None:
    (cut,) = cleaned([line("x " * (LONGEST_LINE // 2 - 3) + "AKIAIOSFODNN7EXAMPLE")])
    assert "AKIA" not in cut.text and cut.text.endswith("x …")
    assert len(cut.text) <= LONGEST_LINE


def test_hostile_lines_cost_no_more_than_others() -> None:
    def spent(text: str) -> float:
        lines = [line((text * LONGEST_LINE)[:LONGEST_LINE])] * 300
        began = time.process_time()
        folded(lines)
        assert len([*map(is_error, lines)]) == 300
        return time.process_time() - began

    plain = max(spent("some words of it "), 0.01)
    for hostile in ("a", "1", "a:", "1.", ":", "0-", "f", "_"):
        assert spent(hostile) < 50 * plain, hostile
