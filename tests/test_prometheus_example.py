"""The rules that are shipped as an example say what they should, by promtool itself."""

import subprocess
from pathlib import Path

import pytest
import yaml

from bot.config.prometheus import Rule
from bot.config.settings import check
from bot.config.yamlfile import parse, read
from bot.measuring.series import judged
from bot.model import Level
from bot.runbooks.stock import Stock, look
from tests.catalogue import SICK, SILENT, WELL, Case, Expected
from tests.real.prometheus import promtool

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "deploy" / "prometheus.example.yaml"
_SECTION = check(read(EXAMPLE), {})
RULES = {rule.name: rule for rule in _SECTION.settings.prometheus.rules}


def test_every_example_has_its_cases() -> None:
    assert set(SICK) == set(RULES) == set(WELL)
    nothing = {name for name, case in WELL.items() if case.gives is None}
    filters = {name for name, rule in RULES.items() if rule.missing == "well"}
    assert nothing <= filters, "nothing is no data where missing is not well"


@pytest.mark.parametrize("name", SICK)
def test_an_example_gives_its_figure_beyond_its_limit(
    name: str, tmp_path: Path
) -> None:
    rule, case = RULES[name], SICK[name]
    for value in _figures(case.gives):
        assert judged(rule, value, Level.OK) is not Level.OK
    _promtool(tmp_path, rule, case)


@pytest.mark.parametrize("name", WELL)
def test_an_example_is_silent_when_all_is_well(name: str, tmp_path: Path) -> None:
    rule, case = RULES[name], WELL[name]
    for value in _figures(case.gives):
        assert judged(rule, value, Level.OK) is Level.OK
    _promtool(tmp_path, rule, case)


@pytest.mark.parametrize("name", SILENT)
def test_an_example_knows_where_there_is_little_to_see(
    name: str, tmp_path: Path
) -> None:
    _promtool(tmp_path, RULES[name], SILENT[name])


def test_every_example_says_why_in_a_line_or_in_its_name() -> None:
    # The first ones explain themselves; whatever came later has its reason above it.
    lines = EXAMPLE.read_text().splitlines()
    names = [n for n, line in enumerate(lines) if line.startswith("    - name: ")]
    bare = [lines[n] for n in names[7:] if not lines[n - 1].startswith("    # ")]
    assert bare == []


def test_every_example_names_a_page_that_is_there() -> None:
    pages = look([ROOT / "runbooks"], Stock(), first=True).pages.values()
    known = {condition for page in pages for condition in page.conditions}
    assert {rule.runbook for rule in RULES.values()} - known == set()


def _figures(gives: Expected) -> tuple[float, ...]:
    if gives is None:
        return ()
    return gives if isinstance(gives, tuple) else (gives,)


def _promtool(folder: Path, rule: Rule, case: Case) -> None:
    match case.gives:
        case None:
            asked, samples = rule.expr, []
        case (low, high):
            # Between the two, each of them.
            asked = f"count(({rule.expr}) >= {low} and ({rule.expr}) <= {high})"
            samples = [{"labels": "{}", "value": 1}]
        case value:
            # Rounded, since a rate is a fraction of a fraction.
            asked = f"round(sum({rule.expr}), 0.001)"
            samples = [{"labels": "{}", "value": value}]
    expected = {
        "expr": asked,
        "eval_time": f"{case.minutes}m",
        "exp_samples": samples,
    }
    series = [{"series": name, "values": text} for name, text in case.lines.items()]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [expected]}
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(
        [promtool(), "test", "rules", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def test_readmes_example_is_valid() -> None:
    text = (ROOT / "README.md").read_text()
    example = text.partition("```yaml\nprometheus:")[2].partition("```")[0]
    loaded = check(parse(f"prometheus:{example}".encode(), source="README"), {})
    assert len(loaded.settings.prometheus.rules) == 2
