"""What comes after an incident: what people say, what is written, when it is let go."""

from dataclasses import dataclass

from bot.config.environment import Environment
from bot.config.settings import Loaded, Settings
from bot.diagnosis.improve import Improve
from bot.keeping.bygone import Bygone
from bot.keeping.retention import Retention
from bot.learning.drafts import Drafts
from bot.learning.feedback import Feedbacks
from bot.learning.postmortems import Postmortems
from bot.llm.spending import Purse
from bot.oncall.escalate import Escalate
from bot.oncall.pager import Pager, PagerDuty, Pages, Webhook
from bot.oncall.second_approver import CallSecond
from bot.ports import Wakeable
from bot.quiet.false_alarms import FalseAlarms
from bot.report.reports import Reports
from bot.storage.record import Record
from bot.wiring.knowledge import Known, drafts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """One of each; `false_alarms` wants a loop."""

    feedback: Feedbacks
    false_alarms: FalseAlarms
    drafts: Drafts
    postmortems: Postmortems
    reports: Reports
    purse: Purse
    escalate: Escalate
    second: CallSecond
    pager: Pager
    retention: Retention


def afterwards(
    loaded: Loaded,
    environment: Environment,
    record: Record,
    known: Known,
    poster: Wakeable,
) -> Afterwards:
    """Build it; nothing runs yet."""
    settings = loaded.settings
    sections = {
        name: settings.detectors.get(name) or {}
        for name, section in loaded.detectors.items()
        if section.has_limits
    }
    return Afterwards(
        feedback=Feedbacks(record=record, poster=poster),
        false_alarms=FalseAlarms(record=record.led, sections=sections, poster=poster),
        drafts=Drafts(record=record, folder=drafts_of(environment), poster=poster),
        postmortems=Postmortems(
            record=record,
            state_dir=environment.state_dir,
            improve=_improve(loaded, known),
        ),
        reports=Reports(record=record, section=settings.report),
        purse=Purse(
            record=record,
            model=known.model.model if known.model else "",
            per_day=settings.model.budget.dollars_per_day,
        ),
        escalate=Escalate(
            record=record.led, poster=poster, after=settings.escalation.after
        ),
        second=CallSecond(
            record=record.led,
            poster=poster,
            section=settings.escalation.second_approver,
        ),
        pager=Pager(
            record=record.led,
            poster=poster,
            to=_pages(settings, environment),
            instance=record.ledger.instance,
        ),
        retention=_retention(settings, environment, record.led),
    )


def _retention(
    settings: Settings, environment: Environment, record: Record
) -> Retention:
    return Retention(
        bygone=Bygone(record.database, environment.state_dir),
        database=record.database,
        clock=record.clock,
        section=settings.retention,
    )


def _pages(settings: Settings, environment: Environment) -> list[Pages]:
    found: list[Pages] = []
    if environment.pagerduty_key:
        url = settings.escalation.pagerduty_url
        found.append(PagerDuty(url, environment.pagerduty_key))
    if environment.escalation_webhook:
        found.append(Webhook(environment.escalation_webhook))
    return found


def _improve(loaded: Loaded, known: Known) -> Improve | None:
    if known.model is None:
        return None
    budget = loaded.settings.model.budget
    return Improve(known.model, budget=budget, account=known.account)
