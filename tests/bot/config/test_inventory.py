"""Hosts out of an Ansible inventory: taken as they stand, or named with their lines."""

from pathlib import Path

import pytest

from bot.config.inventory import hosts_in
from bot.config.settings import load
from bot.config.yamlfile import BadConfiguration
from bot.wiring import parts

INVENTORY = """\
all:
  hosts:
    web-1: {ansible_host: 10.0.0.1}
  children:
    web:
      vars: {ansible_user: nobody-reads-this}
      hosts:
        web-7: {ansible_host: 10.0.0.7, ansible_port: 2222, ansible_user: ops, role: x}
        web-8:
    eu:
      children:
        paris:
          hosts: {web-7: , web-9.example: }
"""


def inventory(folder: Path, text: str = INVENTORY) -> Path:
    file = folder / "inventory.yaml"
    file.write_text(text)
    return file


def test_every_host_but_this_one_is_there_once(tmp_path: Path) -> None:
    found = hosts_in(inventory(tmp_path), here="web-1")
    assert sorted(found) == ["web-7", "web-8", "web-9.example"]
    seven = found["web-7"]
    assert (seven.address, seven.port, seven.user) == ("10.0.0.7", 2222, "ops")
    assert (found["web-8"].address, found["web-8"].user) == ("web-8", "root")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("all:\n  hosts:\n    'web[01:50]':", "line 3: web[01:50].address: "),
        ("all:\n  hosts:\n    a: {ansible_port: 0}", "line 3: a.port: '0' was read"),
        (
            "all:\n  hosts:\n    a: {ansible_host: '{{ ip }}'}",
            "line 3: a.address: '{{ ip }}' was read",
        ),
        ("all:\n  hosts:\n    a: {x: !vault abc}", "line 3: the file: could not"),
        ("- a", "a list; needs groups of hosts, such as `all:`"),
        ("a: &a\n  children: *a", "the file"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(BadConfiguration) as bad:
        hosts_in(inventory(tmp_path, text), here="web-1")
    assert words in str(bad.value)


def test_the_configuration_names_it_and_overrules_it(tmp_path: Path) -> None:
    inventory(tmp_path)
    file = tmp_path / "countersign.yaml"
    own = "hosts: {web-8: {address: 10.0.0.8}}"
    file.write_text(f"host: web-1\nhosts_from: inventory.yaml\n{own}")
    settings = load(file, parts.sections()).settings
    assert sorted(settings.hosts) == ["web-7", "web-8", "web-9.example"]
    assert settings.hosts["web-8"].address == "10.0.0.8"
    (tmp_path / "inventory.yaml").unlink()
    with pytest.raises(BadConfiguration, match=r"hosts_from: No such file"):
        load(file, parts.sections())


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ("hosts: {shop: {address: WEB-7.}}", "under another name"),
        ("host: Web-7", "this very host under another name"),
    ],
)
def test_one_host_under_two_names_is_told(tmp_path: Path, own: str, words: str) -> None:
    text = "all: {hosts: {web-7: {}, web-9: {}}}"
    inventory(tmp_path, text)
    file = tmp_path / "countersign.yaml"
    file.write_text(f"hosts_from: inventory.yaml\n{own}")
    with pytest.raises(BadConfiguration, match=f"hosts_from: .*{words}"):
        load(file, parts.sections())
