"""The command `countersign`. Imports nothing heavy before it knows what is wanted."""

import argparse
import gc
import sys
from collections.abc import Callable, Sequence

from bot.cli import upkeep
from bot.cli.verbs import verb as _verb

_EPILOG = """\
environment:
  COUNTERSIGN_CONFIG     the YAML file (default: countersign.yaml)
  COUNTERSIGN_STATE_DIR  database and everything else that is written
  SLACK_BOT_TOKEN        xoxb-…, always needed
  SLACK_APP_TOKEN        xapp-…, for Socket Mode; or
  SLACK_SIGNING_SECRET   for HTTP mode (POST /slack/events)
  SLACK_API_URL          another Slack-compatible server
  DATABASE_URL           postgresql://… instead of SQLite in the state folder
"""

_MOST = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code (0 well, 1 a finding, 2 bad input)."""
    parsed = _parser().parse_args(arguments)
    from bot.config.environment import BadEnvironment

    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except BadEnvironment as error:
        sys.stderr.write(f"countersign: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="countersign",
        description="An on-call teammate in Slack that acts only on approval.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _verb(verbs, "run", "run the bot until SIGTERM or Ctrl-C", _run)
    demo = _verb(verbs, "demo", "the whole story on this machine, no account", _demo)
    demo.add_argument("--port", type=int, default=0, help="of the page (0: any free)")
    demo.add_argument(
        "--no-browser", action="store_true", help="print the address, open nothing"
    )
    _first(verbs)
    _verb(verbs, "doctor", "check configuration, rights, Slack, database", _doctor)
    _verb(verbs, "once", "one round of every detector, printed as a table", _once)
    audit = verbs.add_parser("audit", help="the chain of events: verify, export")
    proofs = audit.add_subparsers(metavar="COMMAND", required=True)
    verify = _verb(proofs, "verify", "recompute every hash of the chain", _audit_verify)
    verify.add_argument(
        "--head",
        metavar="SEQ:HASH",
        help="a head that was posted in Slack; the chain must contain it",
    )
    _verb(proofs, "export", "print all events as JSON Lines", _audit_export)
    books = verbs.add_parser("runbooks", help="the folder of runbooks: check")
    shelves = books.add_subparsers(metavar="COMMAND", required=True)
    words = "name file, line and mend of everything wrong with runbooks"
    check = _verb(shelves, "check", words, _runbooks_check)
    check.add_argument("folders", nargs="*", metavar="FOLDER", help="default: runbooks")
    _policy(verbs)
    _memory(verbs)
    _notices(verbs)
    upkeep.add(verbs)
    return parser


def _first(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    first = _verb(
        verbs, "init", "write a first configuration and the app's manifest", _init
    )
    first.add_argument("--channel", metavar="ID", help="where incidents are told, C…")
    first.add_argument("--approvers", metavar="IDS", help="people U… and groups S…")
    first.add_argument("--critical", metavar="IDS", help="whom a critical one wakes")
    first.add_argument("--host", metavar="NAME", help="what people call this host")
    first.add_argument("--mode", choices=("observe", "act"), help="default: observe")


def _notices(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "work on this host or a service: start, end, list"
    quiet = verbs.add_parser(
        "maintenance", help=words, description=words.capitalize() + "."
    )
    deeds = quiet.add_subparsers(metavar="COMMAND", required=True)
    start = _verb(deeds, "start", "no pages, no proposals for so long", _quiet_start)
    start.add_argument("--for", dest="lasts", default="1h", help="default: 1h")
    start.add_argument("--why", required=True, help='such as "new kernel"')
    end = _verb(deeds, "end", "end it; what is still wrong comes now", _quiet_end)
    for verb in (start, end):
        verb.add_argument(
            "target", nargs="?", metavar="SERVICE", help="default: this host"
        )
    _verb(deeds, "list", "what is in maintenance", _quiet_list)
    mark = _verb(verbs, "mark", "tell a change, shown with the next incident", _mark)
    mark.add_argument("text", metavar="TEXT", help='such as "deployed 2.31"')
    mark.add_argument("--host", metavar="HOST", help="default: this one; '': all")
    mark.add_argument("--service", metavar="SERVICE", help="default: all of them")


def _policy(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    rules = verbs.add_parser("policy", help="the team's rules: check, explain")
    deeds = rules.add_subparsers(metavar="COMMAND", required=True)
    words = "each rule in a sentence, and what is doubtful about it"
    _verb(deeds, "check", words, _policy_check)
    words = "what the policy says to an action, and which rule decides"
    case = _verb(deeds, "explain", words, _policy_explain)
    case.add_argument("action", metavar="ACTION", help='such as "restart nginx"')
    case.add_argument("--at", metavar="WHEN", help='such as "Fri 17:00"; default: now')
    case.add_argument("--host", metavar="HOST", help="default: this one")
    case.add_argument("--user", metavar="USER", help="whose process it is")
    case.add_argument("--exe", metavar="PATH", help="the process's executable")


def _memory(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "past incidents: list, show, forget, rebuild, export"
    cases = verbs.add_parser("memory", help=words, description=words.capitalize() + ".")
    deeds = cases.add_subparsers(metavar="COMMAND", required=True)
    every = _verb(deeds, "list", "the latest cases as a table", _memory_list)
    every.add_argument(
        "--limit", type=_count, default=100, metavar="N", help="default: 100"
    )
    one = _verb(deeds, "show", "everything about one case", _memory_show)
    gone = _verb(deeds, "forget", "delete one case and say what it was", _memory_forget)
    for verb in (one, gone):
        verb.add_argument("key", metavar="KEY", help="first column of the list")
    words = "compute all vectors and the index anew"
    _verb(deeds, "rebuild", words, _memory_rebuild)
    _verb(deeds, "export", "print all cases as JSON Lines", _memory_export)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"a number from 1 to {_MOST}, not {text!r}")
    return int(text)


def _run(_arguments: argparse.Namespace) -> int:
    # Little of what it is built of is garbage before it serves: 0.3 s of its start.
    gc.disable()
    try:
        from bot.cli import run

        return run.run()
    finally:
        gc.enable()


def _demo(arguments: argparse.Namespace) -> int:
    from bot.demo import command as demo

    return demo.run(port=arguments.port, browser=not arguments.no_browser)


def _init(arguments: argparse.Namespace) -> int:
    from bot.cli import init

    return init.run(
        init.Answers(
            channel=arguments.channel,
            approvers=arguments.approvers,
            critical=arguments.critical,
            host=arguments.host,
            mode=arguments.mode,
        )
    )


def _doctor(_arguments: argparse.Namespace) -> int:
    from bot import doctor

    return doctor.run()


def _once(_arguments: argparse.Namespace) -> int:
    from bot.cli import once

    return once.run()


def _audit_verify(arguments: argparse.Namespace) -> int:
    from bot.cli import audit

    return audit.verify(arguments.head)


def _audit_export(_arguments: argparse.Namespace) -> int:
    from bot.cli import audit

    return audit.export(sys.stdout)


def _runbooks_check(arguments: argparse.Namespace) -> int:
    from bot.cli import runbooks

    return runbooks.check(arguments.folders or ["runbooks"])


def _policy_check(_arguments: argparse.Namespace) -> int:
    from bot.cli import policy

    return policy.check()


def _policy_explain(arguments: argparse.Namespace) -> int:
    from bot.cli import policy

    return policy.explain(
        arguments.action,
        host=arguments.host,
        at=arguments.at,
        user=arguments.user,
        exe=arguments.exe,
    )


def _memory_list(arguments: argparse.Namespace) -> int:
    from bot.cli import memory

    return memory.show_all(arguments.limit)


def _memory_show(arguments: argparse.Namespace) -> int:
    from bot.cli import memory

    return memory.show(arguments.key)


def _memory_forget(arguments: argparse.Namespace) -> int:
    from bot.cli import memory

    return memory.forget(arguments.key)


def _memory_rebuild(_arguments: argparse.Namespace) -> int:
    from bot.cli import memory

    return memory.rebuild()


def _memory_export(_arguments: argparse.Namespace) -> int:
    from bot.cli import memory

    return memory.export(sys.stdout)


def _quiet_start(arguments: argparse.Namespace) -> int:
    from bot.cli import notice

    return notice.start(arguments.target, lasts=arguments.lasts, why=arguments.why)


def _quiet_end(arguments: argparse.Namespace) -> int:
    from bot.cli import notice

    return notice.end(arguments.target)


def _quiet_list(_arguments: argparse.Namespace) -> int:
    from bot.cli import notice

    return notice.show()


def _mark(arguments: argparse.Namespace) -> int:
    from bot.cli import notice

    return notice.mark(arguments.text, host=arguments.host, service=arguments.service)
