"""App Home: the live board for one person. No Approve here; a card decides."""

from bot.report import words
from bot.report.figures import Report
from bot.status import Board
from handlers.blocks import answers
from handlers.blocks.markup import context, escaped, header, mention, section
from handlers.blocks.report import drawn

_GLANCE = (
    "Incidents",
    "By cause",
    "Time to acknowledge",
    "Time to recover",
    "Actions",
    "Noise",
    "Models",
    "Glass broken",
)


def home(
    board: Board,
    week: Report,
    *,
    person: str,
    is_approver: bool,
    configuration: dict[str, str],
) -> dict[str, object]:
    """Draw the tab. week: the report of the last seven days."""
    blocks: list[dict[str, object]] = [header("Now"), *answers.board(board).blocks]
    blocks += [header("Waiting for a decision"), section(_waiting(board))]
    role = "You may approve." if is_approver else "You are not among the approvers."
    blocks.append(context(f"{mention(person)} · {role}"))
    blocks += [header("The last seven days"), *_week(week)]
    lines = [
        f"{escaped(key)}: {escaped(value)}" for key, value in configuration.items()
    ]
    blocks += [header("How I am set up"), section("\n".join(lines))]
    return {"type": "home", "blocks": blocks[:100]}


def refused(reason: str) -> dict[str, object]:
    """Tell somebody why there is nothing to see."""
    text = f"Countersign shows its board to members only: {escaped(reason)}."
    return {"type": "home", "blocks": [section(text)]}


def _waiting(board: Board) -> str:
    lines = [
        f"*{item.incident.number}{p.letter}* {escaped(item.incident.title)}"
        + (f" <{item.permalink}|open the card>" if item.permalink else "")
        for item in board.open
        for p in item.waiting[:1]
    ]
    return "\n".join(lines[:20]) or "Nothing is waiting."


def _week(week: Report) -> list[dict[str, object]]:
    told = dict(words.lines(week))
    glance = [(name, told[name]) for name in _GLANCE if name in told]
    blocks = [section(drawn(glance))]
    for title, found in (("By host", week.hosts), ("By service", week.services)):
        if found:
            blocks.append(section(f"*{title}*\n{drawn(words.places(found))}"))
    return blocks
