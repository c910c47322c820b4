"""What the demo's panel says, and how its bot is configured: everything quick."""

from handlers.workspace.stage import StageStep

CONFIG = """\
host: web-1
slack:
  channel: {channel}
  approvers: {{users: [{alice}, {bob}]}}
  notify: {{critical: [{alice}]}}
detectors:
  cpu: {{interval: 1s, for: 3s, keep_firing_for: 5s, warning: 85, critical: 95}}
  runaway_process: {{interval: 1s, for: 4s, keep_firing_for: 5s, warning: 70, critical: 90}}
  memory: {{interval: 2s}}
  filesystem: {{interval: 5s}}
  leaking_process: {{enabled: false}}
  unit_failed: {{interval: 1s, for: 1s, keep_firing_for: 2s}}
  endpoint: {{interval: 1s, for: 2s, keep_firing_for: 2s}}
services: [{{unit: shop.service, http: "http://127.0.0.1:{shop_port}/"}}, {{unit: books.service}}]
supervisord: {{socket: {shop_socket}}}
policy:
  cooldown: 3s
  actions_per_hour: 100
  grace: 5s
  processes: {{users: [{user}]}}
  services: {{allow: [shop.service, books.service]}}
  rules:
    - name: closing
      why: the books are being closed
      freeze: {{from: {today} 00:00, to: {tomorrow} 23:59, zone: UTC}}
      targets: {{units: [books.service]}}
      deny: true
verify: {{window: 6s, stable_for: 4s}}
http: {{listen: "127.0.0.1:0"}}
"""
INTRO = (
    "This is a small Slack of our own, on your machine. The bot beside it is the real "
    "one, and so is the process that burns your CPU. Above you choose who you are."
)
_ACT_ONE = StageStep(
    id="watch",
    title="Act one: a process runs wild",
    text="Within a few seconds a card appears in the channel. As Chen (no approver) "
    "click Approve: you are refused. As Alice click Approve and watch the thread: the "
    "process dies, the figure falls, the ledger has its line. Reject works too.",
    state="running",
)
_MEMORY = StageStep(
    id="memory",
    title="It remembers",
    text="Once the first incident is resolved, start the same program again. Its card "
    "says what was done last time and whether it helped. Then open its thread and ask: "
    "@countersign what fixed it last time?",
    button="Start the same again",
    state="waiting",
)
_CHAMELEON = StageStep(
    id="chameleon",
    title="Act two: it is not what it was",
    text="A process that executes another program as soon as its card is posted: same "
    "pid, other image. Approve it and see that nothing is killed.",
    button="Start the chameleon",
)
_SERVICE = StageStep(
    id="service",
    title="Act three: a service crashes",
    text="A small shop runs under supervisord, and is killed as a bug would do it. Its "
    "card says that it failed and does not answer. Approve the restart: it counts as "
    "done only when the shop stays up.",
    button="Crash the shop",
)
_WINDOW = StageStep(
    id="window",
    title="Not now",
    text="The team's policy freezes the books today. They are killed too, and their card "
    "names the rule that forbids a restart, where else a button would be. Below is what "
    "countersign policy explain says about it.",
    button="Crash the books",
)
_CRASH = StageStep(
    id="crash",
    title="The bot dies, the card lives",
    text="A new target gets its card, then the bot is killed with kill -9 and started "
    "again. Approve the card it had posted before it died.",
    button="Kill the bot",
)
_PROOF = StageStep(
    id="proof",
    title="Prove it",
    text="Recompute the hash of every event in the ledger, beside the running bot.",
    button="countersign audit verify",
)
_AGAIN = StageStep(
    id="again",
    title="Once more",
    text="Start another runaway, for example to try Reject with a reason, Simulate, "
    "/sre status or the Home tab.",
    button="Start a runaway",
)
STEPS = (_ACT_ONE, _MEMORY, _CHAMELEON, _SERVICE, _WINDOW, _CRASH, _PROOF, _AGAIN)
"""From top to bottom."""
