"""Mutes here, silences in a real Alertmanager, and what became of what is silenced."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.alertmanager.server import AlertmanagerServer
from bot.alertmanager.standing import Matcher, NotSaid
from bot.alerts.alert_findings import key_of
from bot.config.alerts import Alertmanager, AlertsSection
from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.detectors.alert import AlertDetector, AlertSection
from bot.doctor import alerts as doctor
from bot.inbound.inbox import Inbox
from bot.inbound.told import Source, ToldAlert
from bot.quiet.in_step import COMMENT, InStep
from bot.runtime.checkup import Grade
from bot.runtime.clock import SystemClock
from bot.storage import quiet
from bot.storage.quiet import Quiet
from bot.storage.record import Record
from tests.detectors.pieces import this_host
from tests.fakes.lying import Liar, liar
from tests.fakes.story import AT_ONCE, Story
from tests.real.alertmanager import RealAlertmanager, alertmanager
from tests.real.ports import free_port

SECTION = AlertsSection()
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAlertmanager]:
    folder = tmp_path_factory.mktemp("alertmanager")
    nobody = f"http://127.0.0.1:{free_port()}"
    with alertmanager(folder, port=free_port(), bot=nobody) as running:
        yield running


def asked(url: str) -> AlertmanagerServer:
    section = Alertmanager.model_validate({"url": url, "timeout": "2s"})
    return AlertmanagerServer(section=section)


@dataclass
class Both:
    """The bot's side, and the server's."""

    story: Story
    server: RealAlertmanager
    inbox: Inbox
    in_step: InStep

    def fires(self, name: str, **labels: str) -> ToldAlert:
        """Let the server have an alert, and tell it as its webhook would."""
        told = {"alertname": name, "instance": "web-7:9100", **labels}
        self.server.tell(told)
        (there,) = (a for a in self.alerts() if a["labels"] == told)
        alert = ToldAlert(
            source=Source.ALERTMANAGER,
            fingerprint=str(there["fingerprint"]),
            starts_at=datetime.now(UTC),
            is_firing=True,
            labels=told,
        )
        self.inbox.take([alert])
        return alert

    def alerts(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.server.url}/api/v2/alerts") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def state(self, name: str) -> str:
        (alert,) = (a for a in self.alerts() if a["labels"]["alertname"] == name)
        return str(alert["status"]["state"])

    def mute(self, target: str, until: datetime, by: str = "U07ALICE001") -> None:
        with self.story.database.write() as tx:
            quiet.mute(tx, target, until=until, by=by)

    def unmute(self, target: str) -> None:
        with self.story.database.write() as tx:
            quiet.unmute(tx, target)

    def mutes(self) -> dict[str, Quiet]:
        with self.story.database.read() as tx:
            return {q.target: q for q in quiet.kept(tx, SystemClock().now())}

    def silences(self) -> list[str]:
        there = asked(self.server.url).standing().silences.values()
        return sorted(s.comment for s in there)


@pytest.fixture
def both(story: Story, real: RealAlertmanager) -> Iterator[Both]:
    record = Record(
        database=story.database, ledger=story.record.ledger, clock=SystemClock()
    )
    inbox = Inbox(story.database, record.clock)
    server = asked(real.url)
    made = InStep(
        host="web-1", record=record, inbox=inbox, section=SECTION, server=server
    )
    yield Both(story, real, inbox, made)
    for silence in server.standing().silences:
        server.expire(silence)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_muted_alert_is_silenced_there_and_no_other(both: Both) -> None:
    alert = both.fires("DiskFull", path="/srv")
    both.fires("DiskSlow", path="/srv")
    target = key_of(alert, SECTION)
    both.mute(target, now() + HOUR)
    both.in_step.step()
    assert both.silences() == [COMMENT + target]
    assert (both.state("DiskFull"), both.state("DiskSlow")) == ("suppressed", "active")


def test_looking_again_begins_no_second_silence(both: Both) -> None:
    alert = both.fires("Twice")
    both.mute(key_of(alert, SECTION), now() + HOUR)
    for _ in range(3):
        both.in_step.step()
    assert len(both.silences()) == 1


def test_a_bot_that_was_started_anew_knows_its_silences(both: Both) -> None:
    alert = both.fires("Anew")
    both.mute(key_of(alert, SECTION), now() + HOUR)
    both.in_step.step()
    anew = again(both, "web-1")
    anew.step()
    assert len(both.silences()) == 1
    both.unmute(key_of(alert, SECTION))
    anew.step()
    assert both.silences() == []


def test_a_mute_for_longer_is_a_silence_for_longer(both: Both) -> None:
    alert = both.fires("Longer")
    target = key_of(alert, SECTION)
    both.mute(target, now() + HOUR)
    both.in_step.step()
    until = now() + 3 * HOUR
    both.mute(target, until)
    both.in_step.step()
    (silence,) = asked(both.server.url).standing().silences.values()
    assert abs(silence.ends_at - until) < timedelta(seconds=5)


def test_a_muted_host_is_silenced_with_its_port_and_no_namesake(both: Both) -> None:
    both.fires("OnSeven")
    both.fires("OnSeventySeven", instance="web-77:9100")
    both.mute("web-7", now() + HOUR)
    both.in_step.step()
    assert both.state("OnSeven") == "suppressed"
    assert both.state("OnSeventySeven") == "active"


def test_a_cut_alert_is_not_silenced_by_what_is_left_of_it(both: Both) -> None:
    alert = replace(
        both.fires("Long"), fingerprint="x", labels={"alertname": "y" * 1000}
    )
    both.inbox.take([alert])
    both.mute(key_of(alert, SECTION), now() + HOUR)
    both.in_step.step()
    assert both.silences() == []


def test_somebody_elses_silence_mutes_and_its_end_unmutes(both: Both) -> None:
    alert = both.fires("Known")
    server = asked(both.server.url)
    until = now() + HOUR
    server.silence(
        [Matcher(name="alertname", value="Known")],
        since=now(),
        until=until,
        by="chen",
        comment="known",
    )
    both.in_step.step()
    mute = both.mutes()[key_of(alert, SECTION)]
    assert mute.by == "alertmanager: chen"
    assert abs(mute.until - until) < timedelta(seconds=5)
    both.in_step.step()
    assert both.silences() == ["known"], "what is muted for it is not silenced again"
    (silence,) = server.standing().silences
    server.expire(silence)
    both.in_step.step()
    assert both.mutes() == {}


def test_a_persons_mute_stays_theirs(both: Both) -> None:
    alert = both.fires("Theirs")
    target = key_of(alert, SECTION)
    both.mute(target, now() + 2 * HOUR)
    asked(both.server.url).silence(
        [Matcher(name="alertname", value="Theirs")],
        since=now(),
        until=now() + HOUR,
        by="chen",
        comment="known",
    )
    both.in_step.step()
    assert both.mutes()[target].by == "U07ALICE001"


def ends(both: Both, alert: ToldAlert) -> None:
    both.server.tell(dict(alert.labels), ends_at="2026-01-01T00:00:00Z")


def test_the_end_of_what_is_silenced_is_seen(both: Both) -> None:
    alert = both.fires("Ends")
    both.in_step.step()
    ends(both, alert)
    both.in_step.step()
    assert [k.alert.name for k in both.inbox.look()] == []


def test_what_this_server_never_had_is_not_over(both: Both) -> None:
    """Another Alertmanager told it; that this one does not know it says nothing."""
    told = ToldAlert(
        source=Source.ALERTMANAGER,
        fingerprint="f" * 16,
        starts_at=now(),
        is_firing=True,
        labels={"alertname": "Elsewhere"},
    )
    both.inbox.take([told, replace(told, source=Source.JSON)])
    both.in_step.step()
    both.in_step.step()
    assert len(both.inbox.look()) == 2


def test_a_server_that_was_started_anew_ends_nothing(
    story: Story, tmp_path: Path
) -> None:
    port, nobody = free_port(), f"http://127.0.0.1:{free_port()}"
    record = Record(
        database=story.database, ledger=story.record.ledger, clock=SystemClock()
    )
    inbox = Inbox(story.database, record.clock)
    in_step = InStep(
        host="web-1",
        record=record,
        inbox=inbox,
        section=SECTION,
        server=asked(f"http://127.0.0.1:{port}"),
    )
    with alertmanager(tmp_path, port=port, bot=nobody) as first:
        both = Both(story, first, inbox, in_step)
        both.fires("Remembered")
        in_step.step()
    in_step.step()
    assert in_step.trouble == "it cannot be reached"
    with alertmanager(tmp_path, port=port, bot=nobody):
        in_step.step()
    assert in_step.trouble == ""
    assert len(inbox.look()) == 1


def test_what_fires_there_again_fires_here_though_nobody_tells(both: Both) -> None:
    """What ends and begins within one of its intervals is no news for Alertmanager."""
    alert = both.fires("Flaps")
    both.in_step.step()
    ends(both, alert)
    both.in_step.step()
    assert "Flaps" not in [k.alert.name for k in both.inbox.look()]
    both.server.tell(dict(alert.labels))
    both.in_step.step()
    assert "Flaps" in [k.alert.name for k in both.inbox.look()]


def test_a_bot_that_was_down_sees_the_end_of_what_is_silenced(both: Both) -> None:
    alert = both.fires("EndsUnseen")
    both.in_step.step()
    ends(both, alert)
    again(both, "web-1").step()
    assert "EndsUnseen" not in [k.alert.name for k in both.inbox.look()]


def again(both: Both, host: str) -> InStep:
    """Another bot, or the same one started anew."""
    return InStep(
        host=host,
        record=both.in_step._record,
        inbox=both.inbox,
        section=SECTION,
        server=asked(both.server.url),
    )


def test_a_bot_with_a_longer_name_leaves_our_silences_alone(both: Both) -> None:
    both.mute("web-7", now() + HOUR)
    both.in_step.step()
    (ours,) = asked(both.server.url).standing().silences
    again(both, "web-10").step()
    both.in_step.step()
    assert ours in asked(both.server.url).standing().silences


def test_a_silence_that_is_refused_keeps_no_other(both: Both) -> None:
    refused = both.fires("Refused")
    odd = replace(refused, fingerprint="o" * 16, labels={"alertname": "x", "a b": "y"})
    both.inbox.take([odd])
    fine = both.fires("Fine")
    absorbed(both)
    for alert in (odd, fine):
        both.mute(key_of(alert, SECTION), now() + HOUR)
    for _ in range(3):
        both.in_step.step()
    assert both.silences() == [COMMENT + key_of(fine, SECTION)]
    assert both.in_step.trouble == ""
    assert both.story.events().count("silence.refused") == 1


def absorbed(both: Both, *labels: str) -> None:
    """One round of the detector, of the alerts with these names only, if any are given."""
    host = replace(this_host(), inbox=both.inbox.look, alerts=SECTION)
    found = AlertDetector(AlertSection(), host).check(())
    some = [f for f in found if not labels or f.label in labels]
    both.story.respond.absorb(some, AT_ONCE)


def test_a_silence_over_many_is_one_line(both: Both) -> None:
    alerts = [both.fires("Many", path=f"/{n}") for n in range(8)]
    absorbed(both, "Many")
    asked(both.server.url).silence(
        [Matcher(name="alertname", value="Many")],
        since=now(),
        until=now() + HOUR,
        by="chen",
        comment="known",
    )
    both.in_step.step()
    assert both.story.events().count("incident.muted") == 1
    assert "8 of these quiet: silenced by chen" in both.story.texts()
    assert len(both.mutes()) == len(alerts)


# --- a server that lies --------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"<html>", 200, "not Alertmanager's JSON"),
        (b"{}", 200, "not Alertmanager's JSON"),
        (b"[" * 100_000, 200, "not Alertmanager's JSON"),
        (b"x" * 33_000_000, 200, "too large"),
        (b"", 500, "status 500"),
        (b"", 302, "status 302"),
        (b"", 401, "COUNTERSIGN_ALERTMANAGER_SECRET"),
    ],
)
def test_what_is_no_answer_is_trouble_and_nothing_else(
    body: bytes, status: int, why: str
) -> None:
    with liar() as lies:
        lies.body, lies.status = body, status
        with pytest.raises(NotSaid, match=why):
            asked(lies.url).standing()


def test_a_server_that_hangs_is_given_up() -> None:
    with liar() as lies:
        lies.hangs = True
        with pytest.raises(NotSaid, match="no answer within 2 s"):
            asked(lies.url).standing()


def test_the_secret_goes_as_the_configuration_says() -> None:
    def heard(lies: Liar, **section: str) -> str:
        made = Alertmanager.model_validate({"url": lies.url, **section})
        with pytest.raises(NotSaid):
            AlertmanagerServer(section=made, secret="s3cret").standing()
        return lies.heard[-1][1]["Authorization"]

    with liar() as lies:
        assert heard(lies) == "Bearer s3cret"
        assert heard(lies, user="bot") == "Basic Ym90OnMzY3JldA=="


# --- the doctor ----------------------------------------------------------------------


def told(url: str, token: str | None) -> list[tuple[Grade, str]]:
    settings = Settings.model_validate({"alerts": {"alertmanager": {"url": url}}})
    nowhere = Path("/nonexistent")
    environment = Environment(config=nowhere, state_dir=nowhere, webhook_token=token)
    return [(f.grade, f.text) for f in doctor.checks(settings, environment)]


def test_the_doctor_asks_alertmanager(real: RealAlertmanager) -> None:
    ((grade, text),) = told(real.url, "a-token")
    assert grade is Grade.FINE
    assert text.endswith("silences now")


def test_the_doctor_names_what_is_missing() -> None:
    (first, _), (second, silent) = told(f"http://127.0.0.1:{free_port()}", None)
    assert first is second is Grade.WARN
    assert "it cannot be reached" in silent
