"""The `prometheus:` section: what is wrong is named with its line."""

import pytest

from bot.config import yamlfile
from bot.config.prometheus import Rule
from bot.config.settings import Loaded, check
from bot.config.yamlfile import BadConfiguration

SERVER = 'prometheus:\n  servers:\n    main: {url: "http://127.0.0.1:9090/"}\n'


def loaded(text: str) -> Loaded:
    return check(yamlfile.parse(text.encode(), source="the file"), {})


def problem(text: str) -> str:
    with pytest.raises(BadConfiguration) as error:
        loaded(text)
    (found,) = error.value.problems
    return str(found)


def test_a_rule_asks_the_only_server() -> None:
    text = SERVER + "  rules:\n    - {name: cpu, expr: cpu, warning: 80, for: 2m}\n"
    found = loaded(text).settings.prometheus
    assert found.server_of(found.rules[0]) == "main"
    assert found.servers["main"].url == "http://127.0.0.1:9090"
    assert found.rules[0].for_.total_seconds() == 120


def test_limits_have_their_defaults() -> None:
    rule = Rule(name="cpu", expr="cpu", warning=80)
    assert (rule.limits.critical, rule.limits.clear_warning) == (80, 72)
    low = Rule(name="days", expr="days", critical=-10, bad="below")
    assert (low.limits.warning, low.limits.clear_critical) == (-10, -9)


@pytest.mark.parametrize(
    ("rule", "line", "words"),
    [
        ("{name: cpu, expr: cpu}", 5, "warning or critical is needed"),
        ("{name: CPU, expr: cpu, warning: 1}", 5, "'CPU' was read"),
        ("{name: cpu, expr: '', warning: 1}", 5, "expr"),
        ("{name: cpu, expr: a, warning: 2, critical: 1}", 5, "must not lie below"),
        ("{name: cpu, expr: a, warning: .nan}", 5, "finite"),
        ("{name: cpu, expr: a, warning: 1, clear_warning: 2}", 5, "a clear limit"),
        ("{name: cpu, expr: a, warning: 1, warn: 2}", 5, "did you mean warning?"),
        ("{name: cpu, expr: a, warning: 1, host: a-b}", 5, "'a-b' was read"),
        ("{name: cpu, expr: a, warning: 1, server: other}", 1, "not in servers"),
        ("{name: cpu, expr: a, warning: 1, bad: low}", 5, "'above' or 'below'"),
    ],
)
def test_a_wrong_rule_is_named(rule: str, line: int, words: str) -> None:
    found = problem(f"{SERVER}  rules:\n    - {rule}\n")
    assert found.startswith(f"line {line}: prometheus")
    assert words in found


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ('{url: "ftp://x"}', "'ftp://x' was read"),
        ('{url: "http://user:pass@x"}', "was read"),
        ('{url: "http://x?a=b"}', "was read"),
        ("{}", "missing"),
        ('{url: "http://x", timeout: 2h}', "at most"),
        ('{url: "http://x", cert_file: /x.pem}', "needed together"),
        ('{url: "http://x", ulr: y}', "did you mean url?"),
        ('{url: "http://x", user: "a:b"}', "'a:b' was read"),
    ],
)
def test_a_wrong_server_is_named(server: str, words: str) -> None:
    found = problem(f"prometheus:\n  servers:\n    main: {server}\n")
    assert found.startswith("line 3: prometheus.servers.main")
    assert words in found


def test_a_rules_name_stands_once() -> None:
    rule = "    - {name: cpu, expr: cpu, warning: 80}\n"
    assert "two rules are called cpu" in problem(f"{SERVER}  rules:\n{rule}{rule}")


def test_a_rule_without_a_server_is_a_problem() -> None:
    text = "prometheus:\n  rules:\n    - {name: cpu, expr: cpu, warning: 80}\n"
    assert "must say which server to ask" in problem(text)
