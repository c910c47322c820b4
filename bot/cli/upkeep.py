"""The commands that look after the data: their arguments and what `--help` says of them."""

import argparse

from bot.cli.verbs import verb

_BACKUP = """\
Copies the database to FILE while the bot runs: one instant, every page and the ledger
checked before FILE has its name. FILE is readable for its owner only; nothing is
overwritten. It holds everything but postmortems and drafts of runbooks, which are files
in the state folder. On PostgreSQL it names the command of pg_dump.
"""
_RESTORE = """\
Puts FILE, a copy that `backup` made with this release or an older one, in the place of
the database. No bot may run on the state folder. FILE is checked first and stays as it
is; the database before is kept beside the new one. Proposals that were open in the copy
are over: an approval of then does nothing now. A lock that was set since stays.
"""
_PURGE = """\
Deletes incidents that ended longer ago, and what belongs to them: events, proposals,
votes, steps, postmortems, cases of memory and their vectors, alerts that are over. One
event and the hashes beside each gap stay in the ledger, so that `audit verify` proves
the rest. Open incidents, Slack's messages, and what models cost are not touched. Works
beside a running bot, a few incidents at a time.
"""
_INCIDENTS = """\
Prints the incidents that were opened in the span, or all, one JSON object a line on
standard output, the oldest first: number, host, service, title, conditions, level, phase,
since, opened_at, returned, resolved_at, resolution, owner, opinion, actions (who proposed, approved
and decided, the hash, the result), measured, outcome, confirmed, events. Times are ISO
8601, people are Slack's ids.
"""
_AUDIT = """\
Prints the events of the span, or all, as CSV on standard output: seq, when, who, what,
text, why, incident, proposal, action_hash, outcome, hash. A cell that begins with = + - or
@ has an apostrophe before it, so that no program takes it for a formula. `audit verify`
proves what is in it; `audit export` prints the same events as JSON Lines.
"""
_DAY = "such as 2026-01-31 (all of the day) or 2026-01-31T12:00; UTC if not said"


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare them."""
    copy = verb(verbs, "backup", "a checked copy of the database, as it runs", _backup)
    copy.description = _BACKUP
    copy.add_argument("file", metavar="FILE", help="the copy; must not exist yet")
    back = verb(verbs, "restore", "put a copy back, while no bot runs", _restore)
    back.description = _RESTORE
    what = back.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "file", nargs="?", metavar="FILE", help="the copy; stays as it is"
    )
    words = "another tool put the database back: end the approvals in it"
    what.add_argument("--by-hand", action="store_true", help=words)
    old = verb(verbs, "purge", "delete what ended long ago; asks first", _purge)
    old.description = _PURGE
    old.add_argument("--older-than", required=True, metavar="SPAN", help="such as 90d")
    old.add_argument("--dry-run", action="store_true", help="only say what would go")
    old.add_argument("--yes", action="store_true", help="do not ask")
    _add_exports(verbs)


def _add_exports(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "for other programs: incidents (JSON Lines), audit (CSV)"
    exports = verbs.add_parser("export", help=words, description=words.capitalize())
    kinds = exports.add_subparsers(metavar="WHAT", required=True)
    words = "incidents with their actions and events, as JSON Lines"
    lines = verb(kinds, "incidents", words, _export_incidents)
    lines.description = _INCIDENTS
    lines.add_argument("--since", metavar="DAY", help=_DAY)
    lines.add_argument("--until", metavar="DAY", help="likewise")
    sheet = verb(kinds, "audit", "the ledger as CSV, for auditors", _export_audit)
    sheet.description = _AUDIT
    sheet.add_argument("--since", "--from", dest="since", metavar="DAY", help=_DAY)
    sheet.add_argument("--until", "--to", dest="until", metavar="DAY", help="likewise")


def _backup(arguments: argparse.Namespace) -> int:
    from bot.cli import backup

    return backup.run(arguments.file)


def _restore(arguments: argparse.Namespace) -> int:
    from bot.cli import restore

    return restore.by_hand() if arguments.by_hand else restore.run(arguments.file)


def _purge(arguments: argparse.Namespace) -> int:
    from bot.cli import purge

    return purge.run(
        arguments.older_than, is_dry=arguments.dry_run, is_agreed=arguments.yes
    )


def _export_incidents(arguments: argparse.Namespace) -> int:
    from bot.cli import exports

    return exports.incidents(arguments.since, arguments.until)


def _export_audit(arguments: argparse.Namespace) -> int:
    from bot.cli import exports

    return exports.audit(arguments.since, arguments.until)
