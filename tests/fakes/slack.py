"""What tests look for in the local workspace."""

from handlers.workspace import Workspace


def whispered(workspace: Workspace, who: str, words: str = "") -> str:
    """The latest thing that only this person sees, once it has the words."""

    def last() -> str | None:
        said = [message.all_text() for message in reversed(workspace.ephemerals(who))]
        return next((text for text in said if words in text), None)

    return workspace.wait_for(last, 10)


def thread_says(
    workspace: Workspace, ts: str, words: str, *, seconds: float = 10
) -> str:
    """The answers in a thread as one text, once it has the words."""

    def found() -> str | None:
        text = "\n".join(m.all_text() for m in workspace.thread(ts)[1:])
        return text if words in text else None

    return workspace.wait_for(found, seconds)
