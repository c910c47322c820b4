"""App Home: the live board for one person. No Approve here; a card decides."""

from bot.status import GLASS, Board
from handlers.blocks import answers
from handlers.blocks.markup import context, escaped, header, mention, section

_HELPED = "recovered"


def home(
    board: Board, *, person: str, is_approver: bool, configuration: dict[str, str]
) -> dict[str, object]:
    """Draw the tab."""
    blocks: list[dict[str, object]] = [header("Now"), *answers.board(board).blocks]
    blocks += [header("Waiting for a decision"), section(_waiting(board))]
    role = "You may approve." if is_approver else "You are not among the approvers."
    blocks.append(context(f"{mention(person)} · {role}"))
    blocks += [header("The last seven days"), section(_week(board))]
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


def _week(board: Board) -> str:
    week = board.week
    acted = week.get("done", 0)
    helped = week.get(_HELPED, 0)
    return (
        f"{board.incidents_this_week} incidents · {acted} actions carried out, "
        f"{helped} of them helped · {week.get('rejected', 0)} rejected · "
        f"{week.get('expired', 0)} expired{_alone(week.get(GLASS, 0))}"
    )


def _alone(times: int) -> str:
    if not times:
        return ""
    return f" · the glass was broken {'once' if times == 1 else f'{times} times'}"
