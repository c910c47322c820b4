"""The doctor and Loki: whether it answers, and what its silence means."""

from pathlib import Path

from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.doctor import logs
from bot.runtime.checkup import Grade
from tests.fakes.lying import liar

NOTHING = b'{"status":"success","data":{"resultType":"streams","result":[]}}'


def found(url: str | None, secret: str | None = None) -> list[tuple[Grade, str]]:
    section = {"loki": {"url": url, "timeout": "1s"}} if url else {}
    settings = Settings.model_validate({"logs": section})
    nowhere = Path("/nonexistent")
    environment = Environment(config=nowhere, state_dir=nowhere, loki_secret=secret)
    told = logs.checks(settings, environment)
    return [(finding.grade, finding.text) for finding in told]


def test_one_that_answers_is_fine() -> None:
    with liar() as lies:
        lies.body = NOTHING
        assert found(lies.url, "a-token") == [(Grade.FINE, "Loki answers")]
        assert lies.heard[0][1]["Authorization"] == "Bearer a-token"


def test_one_that_does_not_is_a_warning() -> None:
    ((grade, text),) = found("http://127.0.0.1:9")
    assert grade is Grade.WARN
    assert "cannot be reached" in text


def test_a_secret_for_nobody_is_told() -> None:
    assert found(None) == []
    assert [grade for grade, _ in found(None, "a-token")] == [Grade.WARN]
