"""PostgreSQL's own tools as our words tell them: dumped, put back, and made safe."""

import os
import re
import shlex
import subprocess
from pathlib import Path

from bot import migrations
from bot.storage.database import connect
from remediation.ledger import audit
from remediation.ledger.proposal import State
from tests.bot.cli.test_cli import countersign
from tests.fakes.story import Story
from tests.real.databases import empty
from tests.real.postgres import binaries


def told(said: str, begin: str) -> str:
    """The command in a sentence of ours."""
    found = re.search(rf"{begin} .*?\"\$DATABASE_URL\"( \S+)?", said)
    assert found, said
    return found[0]


def typed(command: str, url: str) -> None:
    """What a person does with it: a shell that knows DATABASE_URL."""
    words = [word.replace("$DATABASE_URL", url) for word in shlex.split(command)]
    programs = binaries()
    assert programs is not None
    subprocess.run(
        [programs / words[0], *words[1:]],
        check=True,
        timeout=60,
        env={"PATH": os.defpath},
        capture_output=True,
    )


def test_the_commands_that_are_told_bring_everything_but_approvals(
    tmp_path: Path,
) -> None:
    file = tmp_path / "copy.dump"
    with empty("postgresql", tmp_path, migrated=False) as url:
        plain = url.replace("+psycopg", "")
        database = connect(url)
        migrations.migrate(database)
        story = Story(database)
        story.ends()
        story.opens()
        story.approved(2)
        with database.read() as tx:
            head = audit.current(tx)
        state = tmp_path / "state"
        said = countersign("backup", str(file), folder=state, DATABASE_URL=url).stderr
        typed(told(said, "pg_dump"), plain)
        story.carry_out.step()
        assert len(story.hands.done) == 2
        database.close()

        said = countersign("restore", str(file), folder=state, DATABASE_URL=url)
        assert said.returncode == 2
        typed(told(said.stderr, "pg_restore"), plain)
        done = countersign("restore", "--by-hand", folder=state, DATABASE_URL=url)
        assert (done.returncode, done.stderr) == (0, "")

        again = Story(connect(url), clock=story.clock)
        again.carry_out.step()
        assert again.hands.done == []
        assert State.APPROVED not in {p.state for p in again.proposals(2)}
        with again.database.read() as tx:
            assert audit.verify(tx, known=head).fault is None
        again.database.close()
