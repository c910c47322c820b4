// Puts the page together: where the visitor is, what they see, what changed.

import { drawBlocks } from "./blocks.js";
import { composer } from "./composer.js";
import { h, icon, reconcile } from "./dom.js";
import { drawList, inChannel, inThread, keepAtEnd, startOver } from "./lists.js";
import { avatar } from "./message.js";
import { showModal } from "./modal.js";
import { namesOf } from "./names.js";
import { act, complaint, onChange, readState } from "./net.js";
import { drawSidebar } from "./sidebar.js";

const $ = (id) => document.getElementById(id);
const app = { state: null, me: sessionStorage.getItem("me") || "", place: "channel", thread: null, live: true, go, become, notify, drawer };

// The address says where we are: "", #home, #messages, #thread-TS, or a permalink's path.
function readAddress() {
  const linked = /^\/archives\/\w+\/p(\d+)(\d{6})$/.exec(location.pathname);
  if (linked) {
    const root = new URLSearchParams(location.search).get("thread_ts");
    history.replaceState(null, "", `/#thread-${root || `${linked[1]}.${linked[2]}`}`);
  }
  const mark = location.hash.slice(1);
  const threaded = mark.startsWith("thread-");
  app.thread = threaded ? mark.slice(7) : null;
  if (!threaded || app.place === "home") app.place = ["home", "messages"].includes(mark) ? mark : "channel";
}

function go(place) {
  location.hash = place === "channel" ? "" : place;
  drawer(false);
}

const openThread = (ts) => {
  location.hash = `thread-${ts}`;
};
const closeThread = () => go(app.place);

async function become(person) {
  app.me = person;
  sessionStorage.setItem("me", person);
  forgetPrivate();
  draw();
  await refresh();
  visit();
}

// From this instant every button acts as the new person, who sees nothing of the old one.
function forgetPrivate() {
  const { state } = app;
  const messages = state.messages.filter((m) => m.channel === state.channel && !m.ephemeral);
  app.state = { ...state, messages, views: [], home: null, im: null };
}

function drawer(open) {
  document.body.classList.toggle("drawer", open);
  $("veil").hidden = !open;
  if (open) $("sidebar").querySelector("select")?.focus();
}

function notify(text) {
  const toast = h("p", { class: "toast" }, icon("warn"), text);
  $("toasts").append(toast);
  setTimeout(() => toast.remove(), 8000);
}

let asked = 0;
let again;
async function refresh() {
  clearTimeout(again);
  const mine = ++asked;
  const state = await readState(app.me).catch(() => null);
  if (mine !== asked) return;
  if (!state) {
    if (app.live) again = setTimeout(refresh, 1000);
    return;
  }
  app.state = state;
  if (state.people.some((p) => p.id === app.me && !p.is_bot)) draw();
  else await become(state.people.find((p) => !p.is_bot).id);
}

function draw() {
  const { state, place } = app;
  if (!state) return;
  const channel = state.channels.find((c) => c.id === state.channel);
  document.title = `${place === "channel" ? `#${channel.name}` : bot().real_name} · ${state.team.name}`;
  $("app").classList.toggle("has-stage", Boolean(state.stage));
  drawSide();
  if (place === "channel") drawChannel(channel);
  else drawBot();
  drawThread();
  showModal(state.views, app.me, namesOf(state, app.me));
}

const bot = () => app.state.people.find((p) => p.id === app.state.bot.id);

// Draws a part anew only if what it shows changed.
function part(holder, sign, build) {
  if (holder.dataset.sign === sign) return;
  holder.dataset.sign = sign;
  const { scrollTop } = holder;
  holder.replaceChildren(...build().filter(Boolean));
  holder.scrollTop = scrollTop;
}

function drawSide() {
  const { state, me, place, live } = app;
  part($("sidebar"), JSON.stringify([state.stage, me, place, live, state.bot, state.people]), () => drawSidebar(app));
}

const iconButton = (name, label, click, look) =>
  h("button", { type: "button", class: `btn btn-icon ${look}`, "aria-label": label, title: label, on: { click } }, icon(name));

function drawHead(...middle) {
  const { stage } = app.state;
  const me = app.state.people.find((p) => p.id === app.me);
  const count = stage && `${stage.steps.filter((step) => step.state === "done").length} of ${stage.steps.length}`;
  const open = { click: () => drawer(true) };
  part($("main-head"), `${app.place} ${app.me} ${count}`, () => [
    iconButton("menu", "Menu", () => drawer(true), "menu-button"),
    ...middle,
    stage && h("button", { type: "button", class: "btn guide-chip", "aria-label": `${stage.title}, ${count} done`, on: open }, icon("guide"), count),
    h("button", { type: "button", class: "face", "aria-label": `You are ${me.real_name}. Change`, on: open }, avatar(me)),
  ]);
}

function drawChannel(channel) {
  drawHead(h("h1", {}, icon("hash"), channel.name), h("p", { class: "topic" }, channel.topic));
  drawList($("main-list"), inChannel(app.state, channel.id), view(openThread), { empty: "Nothing has happened yet. All is calm." });
  drawFoot($("main-foot"), { label: `Message #${channel.name} or ${app.state.command} help`, channel: channel.id });
}

function drawBot() {
  const { real_name: name } = bot();
  const tab = (place, label) =>
    h("button", { type: "button", role: "tab", "aria-selected": String(app.place === place), on: { click: () => go(place) } }, label);
  drawHead(h("h1", {}, avatar(bot()), name), h("div", { class: "tabs", role: "tablist" }, tab("home", "Home"), tab("messages", "Messages")));
  if (app.place === "home") {
    drawHome();
    return;
  }
  drawList($("main-list"), inChannel(app.state, app.state.im), view(openThread), { empty: `Write to ${name} here; nobody else reads it.` });
  drawFoot($("main-foot"), { label: `Message ${name}`, channel: app.state.im });
}

function drawHome() {
  const { home } = app.state;
  drawFoot($("main-foot"), null);
  const operate = (target, option) => act(app.me, { kind: "click", target, option: option ?? null, view_id: home.id });
  const build = () => h("div", { class: "home" }, home
    ? drawBlocks(home.body.blocks, { names: namesOf(app.state, app.me), operate })
    : h("p", { class: "empty" }, "The bot has not drawn this page yet."));
  reconcile($("main-list").firstElementChild, [{ key: "home", sign: home ? `${app.me}${home.id}.${home.version}` : "none", build }]);
}

const view = (onThread) => ({ state: app.state, me: app.me, names: namesOf(app.state, app.me), notify, onThread });

function drawThread() {
  const messages = app.thread ? inThread(app.state, app.thread) : [];
  $("thread").hidden = !messages.length;
  $("app").classList.toggle("in-thread", messages.length > 0);
  if (!messages.length) return;
  part($("thread-head"), "thread", () => [
    iconButton("back", "Back", closeThread, "back-button"), h("h2", {}, "Thread"), iconButton("close", "Close thread", closeThread, "close-button")]);
  const list = $("thread-list");
  if (list.dataset.of !== app.thread) {
    list.dataset.of = app.thread;
    startOver(list, true);
  }
  const said = app.state.statuses.find((s) => s.thread_ts === app.thread);
  drawList(list, messages, view(null), { status: said && `${bot().real_name} ${said.text}` });
  drawFoot($("thread-foot"), { label: "Reply in this thread", channel: messages[0].channel, threadTs: app.thread });
}

function drawFoot(holder, place) {
  const names = () => app.state.people.filter((p) => p.id !== app.me && p.id !== "USLACKBOT");
  const rest = { me: () => app.me, names, command: app.state.command };
  part(holder, JSON.stringify(place), () => [place && composer({ threadTs: null, ...place, ...rest })]);
}

// Tells the bot that its tab was opened.
async function visit() {
  if (app.place === "channel") return;
  const text = complaint(await act(app.me, { kind: "open_home", tab: app.place }));
  if (text) notify(text);
}

function moved() {
  const before = app.place;
  readAddress();
  if (app.place !== before) {
    startOver($("main-list"), app.place !== "home");
    visit();
  }
  draw();
}

addEventListener("hashchange", moved);
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (document.body.classList.contains("drawer")) drawer(false);
  else if (app.thread) closeThread();
});
$("veil").addEventListener("click", () => drawer(false));
readAddress();
for (const list of [$("main-list"), $("thread-list")]) {
  keepAtEnd(list);
  startOver(list, app.place !== "home");
}
await refresh();
visit();
onChange(refresh, (live) => {
  app.live = live;
  draw();
});
