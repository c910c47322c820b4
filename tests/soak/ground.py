"""What the soak stands on: workspace, model, the bot as a process, two small disks."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.storage.database import url_of
from handlers.workspace.workspace import Workspace
from tests.fakes.gemini import FakeGemini
from tests.real.alertmanager import TOKEN
from tests.real.ports import free_port
from tests.real.postgres import server
from tests.scenarios.stage import Bot, config
from tests.soak.disks import LOG_MEGABYTES, STATE_MEGABYTES, small


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """All that stands still while others act. url: of the bot's database."""

    folder: Path
    workspace: Workspace
    gemini: FakeGemini
    bot: Bot
    port: int
    state: Path
    logs: Path
    url: str


@contextmanager
def ground(folder: Path, *, postgres: bool) -> Iterator[Ground]:
    with ExitStack() as stack:
        workspace = stack.enter_context(Workspace.start())
        gemini = stack.enter_context(FakeGemini.start())
        state = stack.enter_context(small(folder / "state", STATE_MEGABYTES))
        logs = stack.enter_context(small(folder / "logs", LOG_MEGABYTES))
        url = stack.enter_context(server()) if postgres else None
        port = free_port()
        extra = {
            "COUNTERSIGN_WEBHOOK_TOKEN": TOKEN,
            "GEMINI_API_KEY": "a-key",
            "GOOGLE_GEMINI_BASE_URL": gemini.url,
        }
        bot = Bot(
            workspace=workspace,
            folder=folder,
            config=_config(workspace, port, logs / "log"),
            extra={**extra, **({"DATABASE_URL": url} if url else {})},
        )
        stack.callback(bot.close)
        yield Ground(
            folder=folder,
            workspace=workspace,
            gemini=gemini,
            bot=bot,
            port=port,
            state=state,
            logs=logs,
            url=url_of(url, state),
        )


def _config(workspace: Workspace, port: int, logs: Path) -> dict[str, object]:
    made = config(
        workspace,
        model={"budget": {"seconds": 8, "dollars_per_day": 1000}},
        http={"listen": f"127.0.0.1:{port}"},
    )
    detectors, policy = made["detectors"], made["policy"]
    assert isinstance(detectors, dict) and isinstance(policy, dict)
    quick = {"interval": "1s", "for": "1s", "keep_firing_for": "2s"}
    # Burners take half a core each, and the machine may have other work.
    detectors["runaway_process"] = {**quick, "warning": 15, "critical": 40}
    detectors["filesystem"] = {**quick, "warning": 90, "critical": 97}
    listed = {"name": "app_logs", "folder": str(logs), "files": ["*.log.[0-9].gz"]}
    policy |= {
        "approval_ttl": "40s",
        "actions_per_hour": 1000,
        "pause_for": "5s",
        "cleaning": {
            "folders": [{**listed, "older_than": "7d"}],
            "untouched": "0s",
        },
    }
    return made
