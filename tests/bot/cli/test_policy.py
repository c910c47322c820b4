"""`countersign policy`: what the rules say, before they are needed."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.cli import policy
from bot.config.instants import parse_instant
from bot.config.policy import Policy
from bot.config.settings import Settings
from bot.policy.standing import rule_of, rules_of
from bot.policy.words import doubts, sentence
from tests.bot.cli.test_cli import countersign

CONFIGURATION = """
host: web-1
slack: {approvers: {users: [U0ALICE, U0BOB], groups: [S0ONCALL]}}
policy:
  services: {allow: [nginx, pay]}
  rules:
    - name: friday
      why: no restarts before the weekend
      actions: [restart, stop]
      when: {days: [fri], from: "15:00", zone: Europe/Berlin}
      deny: true
    - name: two-for-pay
      targets: {units: [pay]}
      approvals: 2
    - name: pay-owners
      targets: {units: [pay]}
      approvers: {users: [U0BOB], groups: [S0PAY]}
"""
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)  # a Saturday, 17:00 in Berlin


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "countersign.yaml"
    made.write_text(CONFIGURATION)
    monkeypatch.setenv("COUNTERSIGN_CONFIG", str(made))
    return made


# --- check ---------------------------------------------------------------------------


def test_each_rule_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "countersign.yaml").write_text(CONFIGURATION)
    done = countersign("policy", "check", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[:3] == [
        (
            "friday: restart, stop, fri 15:00-24:00 Europe/Berlin: denied "
            "(no restarts before the weekend)"
        ),
        (
            "pay-owners: every action to unit pay.service: "
            "only U0BOB, members of S0PAY may approve"
        ),
        "two-for-pay: every action to unit pay.service: needs 2 different people",
    ]
    assert "3 rules, no doubtful; policy " in done.stdout


def test_a_typo_is_named_with_its_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(CONFIGURATION.replace("actions:", "actoins:"))
    assert policy.check() == 2
    assert "line 9: policy.rules.0.actoins: unknown key; did you mean actions?" in (
        capsys.readouterr().err
    )


def test_a_doubt_is_a_finding(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typo = "    - {name: restarts, actions: [restart], targets: {units: [pya]}, deny: true}"
    file.write_text(f"{CONFIGURATION}{typo}\n")
    assert policy.check() == 1
    assert "doubtful: restarts: it never matches" in capsys.readouterr().out


def doubt(rule: dict[str, object], **slack: object) -> list[str]:
    settings = Settings.model_validate(
        {
            "host": "web-1",
            "slack": {"approvers": slack or {"users": ["U0ALICE", "U0BOB"]}},
            "policy": {
                "services": {"allow": ["nginx"]},
                "cleaning": {"rotated_logs": "7d"},
                "rules": [{"name": "x", **rule}],
            },
        }
    )
    found = doubts(settings, rules_of(settings), NOW)
    return [line.partition(": ")[2].partition(":")[0] for line in found]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"deny": True, "risk": ["low"], "actions": ["stop"]}, "it never matches"),
        ({"deny": True, "risk": ["high"], "actions": ["stop"]}, None),
        ({"deny": True, "hosts": ["db-*"]}, "it never matches here"),
        ({"deny": True, "hosts": ["web-*"]}, None),
        (
            {
                "deny": True,
                "freeze": {"from": "2026-01-01 00:00", "to": "2026-01-02 00:00"},
            },
            "it never matches",
        ),
        (
            {
                "deny": True,
                "freeze": {"from": "2026-01-01 00:00", "to": "2027-01-02 00:00"},
            },
            None,
        ),
        (
            {"deny": True, "actions": ["restart"], "targets": {"exes": ["/usr/*"]}},
            "it never matches",
        ),
        (
            {"deny": True, "actions": ["restart"], "targets": {"units": ["ngnix"]}},
            "it never matches",
        ),
        (
            {"deny": True, "actions": ["restart"], "targets": {"units": ["ngin*"]}},
            None,
        ),
        (
            {"deny": True, "actions": ["clean"], "targets": {"folders": ["/srv/*"]}},
            "it never matches",
        ),
        (
            {"deny": True, "actions": ["clean"], "targets": {"folders": ["/var/*"]}},
            None,
        ),
        ({"approvals": 3}, "nobody can meet it"),
        ({"approvals": 2}, None),
        ({"approvers": {"users": ["U0CHEN"]}}, "nobody can meet it"),
        ({"approvers": {"groups": ["S0PAY"]}}, None),
    ],
)
def test_what_is_probably_not_meant_is_doubtful(
    rule: dict[str, object], said: str | None
) -> None:
    assert doubt(rule) == ([] if said is None else [said])


def test_a_rule_about_cleaning_needs_something_to_clean() -> None:
    rule = {"name": "x", "deny": True, "actions": ["clean"]}
    settings = Settings.model_validate({"policy": {"rules": [rule]}})
    (found,) = doubts(settings, rules_of(settings), NOW)
    assert found == "x: it never matches: policy.cleaning lists nothing"


def test_a_group_may_have_enough_people() -> None:
    assert doubt({"approvals": 3}, groups=["S0ONCALL"]) == []


def test_a_rule_that_denies_all_is_doubtful() -> None:
    assert doubt({"deny": True}) == ["it denies everything, always"]


def test_a_rule_with_everything_is_still_one_sentence() -> None:
    section = {
        "name": "x",
        "risk": ["high"],
        "hosts": ["web-*"],
        "targets": {
            "exes": ["/opt/*"],
            "users": ["deploy"],
            "cgroups": ["/a/*"],
            "folders": ["/srv/*"],
        },
        "approvals": 2,
        "approvers": {"users": ["U0BOB"]},
    }
    (rule,) = Policy.model_validate({"rules": [section]}).rules
    assert sentence(rule_of(rule)) == (
        "every action of high risk to executable /opt/* and user deploy and "
        "cgroup /a/* and folder /srv/* on web-*: needs 2 different people, only U0BOB may approve"
    )


# --- explain -------------------------------------------------------------------------


@pytest.mark.usefixtures("file")
def test_a_refusal_is_explained_rule_by_rule(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert policy.explain("restart nginx", at="2026-11-27 17:00") == 1
    assert capsys.readouterr().out.splitlines() == [
        "restart nginx.service on web-1, Fri 2026-11-27 17:00 Europe/Berlin",
        "risk       medium",
        (
            "verdict    refused by policy.rules.friday: "
            "no restarts before the weekend (fri 15:00-24:00 Europe/Berlin)"
        ),
        "rule       friday decides: denied",
        "rule       pay-owners does not match: it is about other targets",
        "rule       two-for-pay does not match: it is about other targets",
    ]


@pytest.mark.usefixtures("file")
def test_an_approval_is_explained_with_who_may_give_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert policy.explain("restart pay", at="2026-11-26 17:00") == 0
    told = capsys.readouterr().out
    assert "verdict    allowed by policy.rules.two-for-pay\n" in told
    assert "approvals  2 different people, not whoever asks for it\n" in told
    assert "who        U0ALICE, U0BOB, members of S0ONCALL\n" in told
    assert "and by policy.rules.pay-owners only U0BOB, members of S0PAY\n" in told
    assert "friday does not match: it holds fri 15:00-24:00" in told
    assert "pay-owners matches too" in told


@pytest.mark.parametrize(
    ("words", "more", "code", "said"),
    [
        ("restart db", {}, 1, "refused by policy.services.allow"),
        ("restart ssh", {}, 1, "refused by protected.sshd"),
        ("start nginx", {}, 0, "allowed by policy.services.start"),
        ("kill /usr/bin/x", {}, 0, "allowed by policy.processes.terminate"),
        ("terminate", {"exe": "/usr/bin/x"}, 0, "terminate /usr/bin/x of somebody"),
        ("pause /usr/bin/x", {"user": "root"}, 1, "refused by protected.user"),
        ("pause /usr/bin/x", {"user": "0"}, 1, "refused by protected.user"),
        ("lower_priority /usr/bin/x", {"host": "db-1"}, 0, "on db-1"),
        ("terminate /usr/bin/postgres", {}, 1, "refused by protected.database"),
    ],
)
@pytest.mark.usefixtures("file")
def test_the_policys_other_parts_are_asked_too(
    capsys: pytest.CaptureFixture[str],
    words: str,
    more: dict[str, str],
    code: int,
    said: str,
) -> None:
    assert policy.explain(words, at="2026-11-26 17:00", **more) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("", None),
        ("restart", None),
        ("mend nginx", None),
        ("restart ../../x y", None),
        ("terminate burn.py", None),
        ("restart nginx", "Fry 17:00"),
        ("restart nginx", "Fri 25:00"),
        ("restart nginx", "2026-02-30 10:00"),
        ("restart nginx", "soon"),
        ("restart nginx", "Fri 17:00 Europe/Berln"),
    ],
)
@pytest.mark.usefixtures("file")
def test_what_cannot_be_understood_is_bad_input(
    capsys: pytest.CaptureFixture[str], words: str, at: str | None
) -> None:
    assert policy.explain(words, at=at) == 2
    assert capsys.readouterr().err.startswith("countersign policy: ")


def test_the_command_explains(tmp_path: Path) -> None:
    (tmp_path / "countersign.yaml").write_text(CONFIGURATION)
    words = ("policy", "explain", "restart nginx", "--at", "Fri 17:00")
    done = countersign(*words, folder=tmp_path)
    assert done.returncode == 1
    assert "refused by policy.rules.friday" in done.stdout


# --- instants ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri 17:00", "2026-11-27 17:00+01:00"),
        ("sat 17:00", "2026-11-21 17:00+01:00"),
        ("Saturday 16:59", "2026-11-28 16:59+01:00"),
        ("Sun 9:05 UTC", "2026-11-22 09:05+00:00"),
        ("2026-07-01 12:00", "2026-07-01 12:00+02:00"),
        ("2026-07-01T12:00 Asia/Tokyo", "2026-07-01 12:00+09:00"),
    ],
)
def test_an_instant_is_read_as_people_write_it(text: str, expected: str) -> None:
    found = parse_instant(text, now=NOW, zone=BERLIN)
    assert found.isoformat(" ", "minutes") == expected


@pytest.mark.parametrize(
    ("area", "code", "words"),
    [
        ("rotated_logs", 0, "allowed by policy.cleaning.rotated_logs"),
        ("journal", 1, "refused by policy.cleaning: journal is not listed"),
    ],
)
def test_cleaning_is_explained_like_any_action(
    file: Path, capsys: pytest.CaptureFixture[str], area: str, code: int, words: str
) -> None:
    listed = CONFIGURATION.replace(
        "policy:\n", "policy:\n  cleaning: {rotated_logs: 7d}\n"
    )
    file.write_text(listed)
    assert policy.explain(f"clean {area}") == code
    said = capsys.readouterr().out
    assert f"verdict    {words}" in said
    assert "risk       medium" in said
