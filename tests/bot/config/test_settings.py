"""The configuration: every problem at once, with its line; no secret shown."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import yamlfile
from bot.config.durations import parse_duration
from bot.config.environment import BadEnvironment, Environment
from bot.config.policy import Approvers
from bot.config.settings import DetectorSection, Loaded, Settings, check, load
from bot.config.yamlfile import BadConfiguration


class MemorySection(DetectorSection):
    warning: float = 10
    critical: float = 5


class CpuSection(DetectorSection):
    """A detector to configure."""

    warning: float = 85
    critical: float = 95


SECTIONS: dict[str, type[DetectorSection]] = {"cpu": CpuSection}


def loaded(text: str) -> Loaded:
    return check(yamlfile.parse(text.encode(), source="the file"), SECTIONS)


def problems(text: str) -> list[str]:
    with pytest.raises(BadConfiguration) as error:
        loaded(text)
    return [str(problem) for problem in error.value.problems]


# --- the file ------------------------------------------------------------------------


def test_an_empty_file_means_the_defaults() -> None:
    found = loaded("")
    assert found.settings.policy.approval_ttl == timedelta(minutes=15)
    assert found.settings.slack.approvers == Approvers()
    assert found.detectors["cpu"].warning == 85


def test_an_empty_list_of_approvers_is_nobody() -> None:
    assert loaded("slack: {approvers: {}}").settings.slack.approvers.users == ()


def test_a_detectors_section_is_read_by_its_own_model() -> None:
    found = loaded("detectors:\n  cpu: {for: 2m, warning: 70, enabled: false}")
    section = found.detectors["cpu"]
    assert (section.for_, section.warning) == (timedelta(minutes=2), 70)
    assert not section.enabled


def test_a_detector_without_a_body_has_its_defaults() -> None:
    assert loaded("detectors:\n  cpu:").detectors["cpu"].enabled


def test_every_problem_is_named_with_its_line() -> None:
    found = problems(
        "host: 'not a host'\n"
        "slack:\n"
        "  chanel: C123\n"
        "policy:\n"
        "  cooldown: soon\n"
        "  approvals: 0\n"
        "detectors:\n"
        "  cpu: {warning: high}\n"
        "  gpu: {}\n"
    )
    assert [line.partition(":")[0] for line in found] == [
        f"line {n}" for n in (1, 3, 5, 6, 8, 9)
    ]


def test_a_misspelt_key_gets_the_nearest_one() -> None:
    (problem,) = problems("slack:\n  chanel: C123")
    assert problem.startswith(
        "line 2: slack.chanel: unknown key; did you mean channel?"
    )


def test_a_misspelt_detector_gets_the_nearest_one() -> None:
    (problem,) = problems("detectors:\n  cpus: {}")
    assert "unknown detector; did you mean cpu?" in problem


def test_a_key_that_resembles_none_lists_all() -> None:
    (problem,) = problems("verify:\n  zzzzzz: 1")
    assert problem.endswith("known keys: stable_for, window")


def test_a_misspelt_key_of_a_detector_gets_the_nearest_one() -> None:
    (problem,) = problems("detectors:\n  cpu:\n    warn: 1")
    assert "line 3: detectors.cpu.warn: unknown key; did you mean warning?" in problem


def test_a_wrong_value_is_shown_with_what_is_allowed() -> None:
    (problem,) = problems("policy:\n  approvals: 9")
    assert "'9' was read; it should be at most 5" in problem


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("policy: {approval_ttl: 1h}", "it should be at most 15m"),
        ("verify: {window: 2d}", "it should be at most 1h"),
        ("detectors: {cpu: {interval: 0s}}", "it should be at least 0.2s"),
        ("verify: {window: 0s}", "it should be more than 0s"),
        ("detectors: {cpu: {warning: high}}", "it should be a number"),
        ("detectors: {cpu: {enabled: maybe}}", "it should be true or false"),
        ("services: [nginx]", "it should be keys below it, like {key: value}"),
        ("policy: {services: {allow: nginx}}", "it should be a list, like [nginx]"),
        (
            "slack: {channel: incidents}",
            "it should be a channel's id, like C0123456789",
        ),
        ("slack: {approvers: {users: [alice]}}", "a person's id, like U0123456789"),
        ("host: web 1", "it should be a name of letters, digits, dots and hyphens"),
        ("http: {listen: 8080}", "it should be text, in quotes where it looks"),
        ("detectors: {cpu: 1}", "it should be keys below it, like {key: value}"),
    ],
)
def test_what_is_allowed_is_said_in_words(text: str, allowed: str) -> None:
    (problem,) = problems(text)
    assert allowed in problem


def test_a_tab_is_called_a_tab() -> None:
    (problem,) = problems("slack:\n\tchannel: C1")
    assert problem.startswith("line 2: the file: a tab, where YAML is indented")


def test_a_long_wrong_value_is_cut() -> None:
    (problem,) = problems(f"policy:\n  approvals: {'x' * 500}")
    assert len(problem) < 250


def test_a_key_that_stands_twice_is_a_problem() -> None:
    found = problems("verify:\n  window: 1s\nhost: a\nverify:\n  window: 2s")
    assert found == [
        "line 4: verify: stands on line 1 already; each key may stand once"
    ]


def test_a_syntax_error_names_its_line() -> None:
    (problem,) = problems("host: a\nslack: [")
    assert problem.startswith("line 2")


@pytest.mark.parametrize("text", ["- a", "just words", "7"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    assert "needs sections, such as `slack:`" in problems(text)[0]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="valid YAML"):
        yamlfile.parse(b"host: \xff\xfe\x00", source="the file")


def test_an_endless_nesting_is_refused() -> None:
    with pytest.raises(BadConfiguration):
        yamlfile.parse(b"[" * 3_000, source="the file")


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="COUNTERSIGN_CONFIG"):
        load(tmp_path / "none.yaml", SECTIONS)


def test_a_file_of_a_megabyte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_bytes(b"#" * 1_000_001)
    with pytest.raises(BadConfiguration, match="over 1 MB"):
        load(file, SECTIONS)


def test_one_problem_is_counted_as_one() -> None:
    with pytest.raises(BadConfiguration, match="the file has 1 problem:"):
        loaded("hosts: a")


@pytest.mark.parametrize(
    "hosts",
    [
        "{web-7: {address: 10.0.0.7}, WEB-7: {address: 10.0.0.8}}",
        "{web-7: {address: 10.0.0.7}, web-7.: {address: 10.0.0.8}}",
        "{web-7: {address: 10.0.0.7}, shop: {address: 10.0.0.7}}",
        "{WEB-1: {address: 10.0.0.1}}",
    ],
)
def test_one_machine_has_one_name(hosts: str) -> None:
    with pytest.raises(BadConfiguration, match="under another name"):
        loaded(f"host: web-1\nhosts: {hosts}")


def test_no_host_is_called_fleet() -> None:
    with pytest.raises(BadConfiguration, match="no host in particular"):
        loaded("hosts: {fleet: {address: 10.0.0.7}}")


@given(st.text(max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        loaded(text)
    except BadConfiguration as error:
        assert error.problems  # noqa: PT017 - most texts are no mistake


@pytest.mark.parametrize(
    "text",
    [
        "policy: {approval_ttl: 16m}",
        "policy: {approval_ttl: 0s}",
        "policy: {lower_to: 0}",
        "policy: {lower_to: -5}",
        "policy: {candidates: [reboot]}",
        "slack: {channel: ops}",
        "slack: {approvers: {users: [alice]}}",
        "slack: {approvers: {groups: [U07ALICE001]}}",
        "slack: {command: sre}",
        "http: {listen: nowhere}",
        "heartbeat: {url: 'file:///etc/passwd'}",
        "detectors: {cpu: {interval: 0.1s}}",
        "detectors: [cpu]",
    ],
)
def test_what_is_not_allowed_is_refused(text: str) -> None:
    assert problems(text)


# --- durations -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5s", 5),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("0.5s", 0.5),
    ],
)
def test_durations_are_written_with_their_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "five", "5 weeks", "s", "-5s", "1h?", None])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="5s, 10m, 2h or 1d"):
        parse_duration(text)


def test_a_duration_beyond_all_calendars_is_refused() -> None:
    with pytest.raises(ValueError, match="3650d"):
        parse_duration("99999999999999d")


def test_such_a_duration_is_a_problem_of_the_file() -> None:
    (problem,) = problems("detectors:\n  cpu: {interval: 99999999999999d}")
    assert problem.startswith("line 2: detectors.cpu.interval")


def test_a_duration_is_taken_as_it_is() -> None:
    assert parse_duration(timedelta(seconds=3)) == timedelta(seconds=3)


# --- limits --------------------------------------------------------------------------


def test_an_alert_ends_a_tenth_inside_its_limit() -> None:
    limits = CpuSection(warning=80, critical=90).limits()
    assert (limits.clear_warning, limits.clear_critical) == (72, 81)


def test_inside_is_above_where_low_values_are_bad() -> None:
    limits = MemorySection(warning=10, critical=5).limits(above=False)
    assert (limits.clear_warning, limits.clear_critical) == pytest.approx((11, 5.5))


def test_a_limit_is_a_number() -> None:
    with pytest.raises(ValueError, match="finite"):
        DetectorSection(warning=float("nan"), critical=1)


def test_a_clear_limit_of_ones_own_counts() -> None:
    limits = CpuSection(clear_warning=0, clear_critical=50).limits()
    assert (limits.clear_warning, limits.clear_critical) == (0, 50)


# --- the environment -----------------------------------------------------------------

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-secret",
    "SLACK_APP_TOKEN": "xapp-secret",
    "SLACK_SIGNING_SECRET": "shhh-secret",
    "DATABASE_URL": "postgresql://bot:pw-secret@db/x",
}


def test_secrets_do_not_show() -> None:
    found = Environment.read(SECRETS)
    assert found.bot_token == SECRETS["SLACK_BOT_TOKEN"]
    assert "secret" not in repr(found).replace("signing_secret", "")


def test_a_credentials_file_wins(tmp_path: Path) -> None:
    (tmp_path / "slack_bot_token").write_text("xoxb-of-systemd\n")
    found = Environment.read({**SECRETS, "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert (found.bot_token, found.app_token) == ("xoxb-of-systemd", "xapp-secret")


def test_an_empty_credentials_file_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "slack_bot_token").write_text("\n")
    found = Environment.read({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert found.bot_token is None


def test_empty_variables_are_unset() -> None:
    found = Environment.read(dict.fromkeys(SECRETS, ""))
    assert (found.bot_token, found.database_url) == (None, None)


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"COUNTERSIGN_STATE_DIR": "/a", "STATE_DIRECTORY": "/b"}, "/a"),
        ({"STATE_DIRECTORY": "/b:/c"}, "/b"),
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/countersign"),
        ({"HOME": "/h"}, "/h/.local/state/countersign"),
    ],
)
def test_the_state_folder_is_found(env: dict[str, str], folder: str) -> None:
    assert Environment.read(env).state_dir == Path(folder)


def test_prometheus_secrets_are_one_for_each_server() -> None:
    told = {"COUNTERSIGN_PROMETHEUS_SECRETS": "main=a-token\nother=b=c"}
    found = Environment.read(told)
    assert found.prometheus_secrets == {"main": "a-token", "other": "b=c"}
    assert "a-token" not in repr(found)


def test_a_secret_without_its_server_is_not_repeated() -> None:
    with pytest.raises(BadEnvironment, match="NAME=SECRET") as told:
        Environment.read({"COUNTERSIGN_PROMETHEUS_SECRETS": "a-token"})
    assert "a-token" not in str(told.value)


def test_the_default_host_is_a_host_name() -> None:
    assert Settings.model_validate({"host": Settings().host})


def test_the_address_is_split() -> None:
    assert loaded("http: {listen: '127.0.0.1:0'}").settings.http.address == (
        "127.0.0.1",
        0,
    )
