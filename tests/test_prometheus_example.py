"""The rules that are shipped as an example say what they should, by promtool itself."""

import subprocess
from pathlib import Path

import pytest
import yaml

from bot.model import Level
from bot.prometheus_section import Rule
from bot.runbooks.stock import Stock, look
from bot.settings import check
from bot.yamlfile import parse, read
from tests.real.prometheus import promtool

ROOT = Path(__file__).parent.parent
_SECTION = check(read(ROOT / "deploy" / "prometheus.example.yaml"), {})
RULES = {rule.name: rule for rule in _SECTION.settings.prometheus.rules}
NODE = 'instance="web-7:9100",job="node"'
DISK = f'{NODE},device="sda1",fstype="ext4",mountpoint="/srv"'
SITE = 'instance="https://shop.example",job="blackbox"'

CASES: dict[str, tuple[dict[str, str], float]] = {
    "target_down": ({f"up{{{NODE}}}": "0x700"}, 0),
    "cpu_busy": (
        {
            f'node_cpu_seconds_total{{{NODE},cpu="0",mode="idle"}}': "0+6x700",
            f'node_cpu_seconds_total{{{NODE},cpu="0",mode="user"}}': "0+54x700",
        },
        90,
    ),
    "memory_low": (
        {
            f"node_memory_MemAvailable_bytes{{{NODE}}}": "8x700",
            f"node_memory_MemTotal_bytes{{{NODE}}}": "100x700",
        },
        8,
    ),
    "disk_full": (
        {
            f"node_filesystem_avail_bytes{{{DISK}}}": "9x700",
            f"node_filesystem_size_bytes{{{DISK}}}": "100x700",
        },
        91,
    ),
    "disk_full_soon": (
        {
            f"node_filesystem_avail_bytes{{{DISK}}}": "1200-1x700",
            f"node_filesystem_size_bytes{{{DISK}}}": "2000x700",
        },
        10,  # 600 of them are left after ten hours, and one goes each minute
    ),
    "probe_failed": ({f"probe_success{{{SITE}}}": "0x700"}, 0),
    "certificate_ends": (
        {f"probe_ssl_earliest_cert_expiry{{{SITE}}}": f"{600 * 60 + 5 * 86400}x700"},
        5,
    ),
}
WELL: dict[str, dict[str, str]] = {
    "target_down": {f"up{{{NODE}}}": "1x700"},
    "disk_full_soon": {
        f"node_filesystem_avail_bytes{{{DISK}}}": "1900-1x700",
        f"node_filesystem_size_bytes{{{DISK}}}": "2000x700",
    },
    "probe_failed": {f"probe_success{{{SITE}}}": "1x700"},
}


def test_every_example_has_its_case() -> None:
    assert set(CASES) == set(RULES)
    assert set(WELL) == {name for name, r in RULES.items() if r.missing == "well"}


@pytest.mark.parametrize("name", CASES)
def test_an_example_gives_its_figure_beyond_its_limit(
    name: str, tmp_path: Path
) -> None:
    lines, value = CASES[name]
    rule = RULES[name]
    assert rule.limits.judge(value, Level.OK) is not Level.OK
    _promtool(tmp_path, rule, lines, value)


@pytest.mark.parametrize("name", WELL)
def test_an_example_gives_nothing_when_all_is_well(name: str, tmp_path: Path) -> None:
    _promtool(tmp_path, RULES[name], WELL[name], None)


def test_every_example_names_a_page_that_is_there() -> None:
    pages = look([ROOT / "runbooks"], Stock(), first=True).pages.values()
    known = {condition for page in pages for condition in page.conditions}
    assert {rule.runbook for rule in RULES.values()} <= known


def _promtool(
    folder: Path, rule: Rule, lines: dict[str, str], value: float | None
) -> None:
    # After ten hours; rounded, since a rate is a fraction of a fraction.
    asked = f"round(sum({rule.expr}), 0.001)"
    samples = [] if value is None else [{"labels": "{}", "value": value}]
    expected = {"expr": asked, "eval_time": "600m", "exp_samples": samples}
    series = [{"series": name, "values": values} for name, values in lines.items()]
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
    assert done.returncode == 0, done.stdout + done.stderr


def test_readmes_example_is_valid() -> None:
    text = (ROOT / "README.md").read_text()
    example = text.partition("```yaml\nprometheus:")[2].partition("```")[0]
    loaded = check(parse(f"prometheus:{example}".encode(), source="README"), {})
    assert len(loaded.settings.prometheus.rules) == 2
