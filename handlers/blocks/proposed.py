"""What a proposal says of itself: the same words on the card and in its dialog."""

from handlers.blocks.markup import clock, escaped, mention
from remediation.action import CleanFiles, OperateUnit, consequence, in_words
from remediation.ledger.proposal import Proposal


def proposed(proposal: Proposal) -> str:
    """Return exactly what would be done, with which consequence, and who must agree."""
    name = f"{proposal.incident}{proposal.letter}"
    people = "1 approver" if proposal.needed == 1 else f"{proposal.needed} approvers"
    so_far = ""
    if proposal.voters:
        so_far = f" · approved by {', '.join(map(mention, proposal.voters))}"
    asked = ""
    if proposal.requested_by:
        asked = f" · asked for by {mention(proposal.requested_by)}, so somebody else approves"
    return (
        f"*Proposed action* · {name}\n"
        f"*{escaped(in_words(proposal.action))}*\n"
        f"{escaped(consequence(proposal.action))}\n"
        f"{people} needed · until {clock(proposal.expires.wall)}{so_far}{asked}"
        f"{_weaker_identity(proposal)}"
    )


def _weaker_identity(proposal: Proposal) -> str:
    action = proposal.action
    if isinstance(action, OperateUnit | CleanFiles):
        return ""
    if action.process.pidfd_inode is not None:
        return ""
    return (
        "\nThis kernel gives processes no number of their own: which one it is rests "
        "on pid, start time, program and owner."
    )
