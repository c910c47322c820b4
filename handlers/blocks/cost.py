"""What the language model has cost, for whoever asked."""

from bot.llm.costs import Total
from bot.llm.spending import IncidentCost, Spending
from handlers.blocks.markup import Message, context, escaped, section

_NO_MODEL = (
    "No language model is configured: rules explain the incidents, and that costs "
    "nothing. For one, set `GEMINI_API_KEY` in the bot's environment, or "
    "`model.provider: openai` with `model.name` in its configuration and "
    "`OPENAI_API_KEY`, and start it anew."
)
_MODELS = 8


def cost(found: Spending) -> Message:
    """Draw sums of today, the month and the latest incidents."""
    head = f"*{escaped(found.model)}* explains incidents." if found.model else _NO_MODEL
    if not found.month.calls and not found.incidents and not found.model:
        return Message(text=head, blocks=(section(head),))
    most = f" of at most {_money(found.per_day)}" if found.model else ""
    sums = [
        f"*Today* {_dollars(found.today)}{most}{_rest(found.today)}",
        f"*This month* {_dollars(found.month)}{_rest(found.month)}",
        *(
            f"{escaped(name)}: {_dollars(total)}{_rest(total)}"
            for name, total in list(found.models.items())[:_MODELS]
        ),
    ]
    blocks = [section(head), section("\n".join(sums))]
    if found.incidents:
        blocks.append(section("\n".join(map(_incident, found.incidents))))
    if not _all_known(found):
        blocks.append(
            context("~: no price list knows the model; assumed on the high side")
        )
    text = f"{head} Today {_dollars(found.today)}, this month {_dollars(found.month)}."
    return Message(text=text, blocks=tuple(blocks))


def _incident(found: IncidentCost) -> str:
    models = escaped(", ".join(found.models))
    return f"*{found.number}* {_dollars(found.total)}{_rest(found.total)} · {models}"


def _dollars(total: Total) -> str:
    return f"{'' if total.all_known else '~'}{_money(total.dollars)}"


def _money(dollars: float) -> str:
    small = 0 < dollars < 0.1
    return f"${dollars:.4f}" if small else f"${dollars:,.2f}"


def _rest(total: Total) -> str:
    tokens = total.tokens_in + total.tokens_out + total.tokens_thinking
    calls = "1 call" if total.calls == 1 else f"{total.calls} calls"
    return f" · {calls} · {tokens:,} tokens · {total.seconds:,.0f} s"


def _all_known(found: Spending) -> bool:
    incidents = all(item.total.all_known for item in found.incidents)
    return incidents and found.month.all_known
