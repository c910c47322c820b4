import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.target.cmdline import label, script_of

_SECRET = "Tr0ub4dor-8Kq2"


def _argv(text: str) -> list[bytes]:
    return [word.encode() for word in text.split(" ")]


@pytest.mark.parametrize(
    ("exe", "argv", "shown"),
    [
        ("/usr/bin/python3.11", "python3 worker.py", "python3.11 worker.py"),
        ("/usr/bin/python3.11", "python3 -u /srv/a/job.py x", "python3.11 job.py (+2 hidden)"),
        ("/usr/bin/python3.11", "python3 -m http.server 80", "python3.11 http.server (+2 hidden)"),
        ("/usr/bin/python3.11", "python3 -W error run.py", "python3.11 run.py (+2 hidden)"),
        ("/usr/bin/python3.11", "python3 /usr/bin/supervisord -n", "python3.11 supervisord (+1 hidden)"),
        ("/usr/bin/node", "node --max-old-space-size=512 app.js", "node app.js --max-old-space-size (+1 hidden)"),
        ("/usr/bin/java", "java -Xmx4g -jar /opt/app.jar", "java app.jar (+2 hidden)"),
        ("/usr/bin/bash", "bash -e deploy.sh prod", "bash deploy.sh (+2 hidden)"),
        ("/usr/bin/celery", "celery --queue mail --loglevel=info", "celery --queue --loglevel (+2 hidden)"),
        ("/usr/bin/tool", "tool --a --a --b -- --c", "tool --a --b (+2 hidden)"),
        ("/opt/x (deleted)", "x", "x (deleted)"),
        ("/usr/bin/python3 (deleted)", "python3 a.py", "python3 (deleted) a.py"),
    ],
)  # fmt: skip
def test_a_label_says_what_runs(exe: str, argv: str, shown: str) -> None:
    assert label(exe, _argv(argv)) == shown


@pytest.mark.parametrize(
    "argv",
    [
        f"mysql -p{_SECRET} --host db",
        f"mysql --password={_SECRET}",
        f"tool --token {_SECRET}",
        f"tool --{_SECRET}",
        f"tool -- --{_SECRET.lower()}",
        f"PGPASSWORD={_SECRET} psql",
        f"curl -u admin:{_SECRET} https://x.example",
        f"curl https://{_SECRET}@git.example/a.py",
        f"python3 -c password='{_SECRET}' a.py",
        f"python3 -cx='{_SECRET}' a.py",
        f"python3 job.py {_SECRET}.py",
        f"python3 job {_SECRET}.py",
        f"bash -c {_SECRET}",
        f"bash -lc run {_SECRET}.sh",
        f"perl -e {_SECRET}.pl",
        f"node -r {_SECRET}.js app.js",
        f"node --require {_SECRET}.js",
        f"java -Djavax.net.ssl.keyStorePassword={_SECRET} -jar a.jar",
        f"java -jar {_SECRET}!",
        f"sshpass -p {_SECRET} ssh root@h",
        f'tool --config={{"key":"{_SECRET}"}}',
        f"tool --key\n={_SECRET}",
        f"postgres: writer {_SECRET}",
        "tool --tr0ub4d0r-8kq2 x",
        f"tool --a-rather-long-name-of-an-option-{_SECRET.lower()}",
    ],
)
@pytest.mark.parametrize("exe", ["", "/usr/bin/python3.11", "/usr/bin/env"])
def test_values_of_arguments_are_never_shown(argv: str, exe: str) -> None:
    program = exe or f"/usr/bin/{argv.split(maxsplit=1)[0].partition('=')[0]}"
    if exe == "/usr/bin/python3.11" and not argv.startswith("python3"):
        # Whatever an interpreter is given first is a script to it.
        argv = f"python3 -c code {argv}"

    shown = label(program, _argv(argv))

    assert _SECRET.lower() not in shown.lower()


@given(
    st.lists(st.binary(max_size=40), max_size=8),
    st.sampled_from(["python3", "bash", "node", "java", "perl", "tool"]),
    st.integers(0, 8),
)
def test_a_secret_anywhere_after_the_script_stays_hidden(
    words: list[bytes], program: str, place: int
) -> None:
    words = [word.replace(_SECRET.encode(), b"") for word in words]
    words.insert(place, b"=" + _SECRET.encode())

    assert _SECRET not in label(f"/usr/bin/{program}", [b"x", *words])


@given(st.text(alphabet=st.characters()), st.lists(st.binary(max_size=60), max_size=12))
def test_any_command_line_becomes_one_plain_line(exe: str, argv: list[bytes]) -> None:
    shown = label(exe, argv)

    assert all(" " <= character < "\x7f" or character == "…" for character in shown)
    assert len(shown) < 500


def test_arguments_that_were_not_read_are_said_to_be_more() -> None:
    assert label("/usr/bin/x", [b"x", b"y"], whole=False) == "x (+1 hidden and more)"


def test_long_words_are_not_searched() -> None:
    words = [b"python3", b"a" * 16_000 + b".py"]

    assert label("/usr/bin/python3", words) == "python3 (+1 hidden)"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("python3.11 borg --stats", "borg"),
        ("python3.11 (deleted) borg", "borg"),
        ("tool --stats (+1 hidden)", None),
        ("tool (+1 hidden)", None),
        ("tool", None),
    ],
)
def test_the_script_is_found_in_a_label(text: str, script: str | None) -> None:
    assert script_of(text) == script
