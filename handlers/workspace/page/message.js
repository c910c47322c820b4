// One message in the channel or in a thread.

import { drawBlocks } from "./blocks.js";
import { h, icon } from "./dom.js";
import { emoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { act, complaint } from "./net.js";
import { ago, clock, full } from "./time.js";

export function avatar(person) {
  if (person?.is_bot) {
    return h("img", { class: "avatar", src: "/page/assets/mark.svg", alt: "" });
  }
  const words = (person?.real_name || "?").split(" ");
  const initials = words.map((word) => word[0]).join("").slice(0, 2);
  const tint = [...(person?.id || "")].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 997, 7) % 6;
  return h("span", { class: `avatar tint-${tint}`, "aria-hidden": "true" }, initials);
}

export function badges(person) {
  if (!person) return [];
  const say = [
    [person.is_bot, "App"],
    [person.is_guest, "Guest"],
    [person.is_external, "External"],
  ];
  return say.filter(([yes]) => yes).map(([, word]) => h("span", { class: "badge" }, word));
}

// `view`: {names, person(id), me, onThread, thread: [messages] or null, joined: bool, notify}
export function drawMessage(message, view) {
  const person = view.person(message.user);
  const name = person?.real_name || message.user;
  const look = ["message", message.ephemeral && "whisper", view.joined && "joined", message.streaming && "streaming"];
  const time = h("time", { title: full(message.ts) }, clock(message.ts));
  const byline = h("div", { class: "byline" }, h("strong", {}, name), badges(person), time);
  const node = h("article", { class: look.filter(Boolean).join(" "), "aria-label": `${name}, ${clock(message.ts)}`, "data-ts": message.ts },
    h("div", { class: "gutter" }, view.joined ? h("span", { class: "late", title: full(message.ts) }, clock(message.ts)) : avatar(person)),
    h("div", { class: "bubble" },
      message.ephemeral && whisperLine(message, view),
      !view.joined && byline,
      body(message, view),
      message.files.map(file),
      message.reactions.length > 0 && reactions(message),
      view.thread?.length > 0 && threadLine(message, view)));
  if (view.onThread && !message.ephemeral) node.append(tools(message, view));
  return node;
}

function body(message, view) {
  const site = {
    names: view.names,
    operate: (target, option) =>
      act(view.me, { kind: "click", target, option: option ?? null, message_ts: message.ts }),
  };
  const shown = message.blocks.length ? drawBlocks(message.blocks, site) : mrkdwn(message.text, view.names);
  if (message.edited) shown.append(h("span", { class: "edited", title: "This message was edited" }, "(edited)"));
  return shown;
}

function whisperLine(message, view) {
  const dismiss = h("button", { type: "button", class: "link", on: { click: async () => {
    const text = complaint(await act(view.me, { kind: "dismiss", message_ts: message.ts }));
    if (text) view.notify(text);
  } } }, "Dismiss");
  return h("div", { class: "whisper-line" }, icon("eye"), h("span", {}, "Only visible to you"), h("span", { "aria-hidden": "true" }, "·"), dismiss);
}

function file(item) {
  const url = `/page/files/${encodeURIComponent(item.id)}`;
  if (!/^image\/(png|jpeg|gif)$/.test(item.mimetype)) {
    return h("a", { class: "file", href: url, download: item.name }, icon("file"), h("span", {}, item.title), h("small", {}, size(item.size)));
  }
  const open = h("button", { type: "button", class: "picture", "aria-label": `Enlarge ${item.title}`, on: { click: () => enlarge(url, item) } },
    h("img", { src: url, alt: item.alt, loading: "eager" }));
  return h("figure", { class: "shared" }, h("figcaption", {}, item.title), open);
}

function enlarge(url, item) {
  const node = h("dialog", { class: "lightbox", "aria-label": item.title, on: { click: () => node.close(), close: () => node.remove() } },
    h("img", { src: url, alt: item.alt }),
    h("button", { type: "button", class: "btn btn-icon", "aria-label": "Close" }, icon("close")));
  document.body.append(node);
  node.showModal();
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : `${Math.round(bytes / 1024)} kB`);

function reactions(message) {
  const counts = new Map();
  for (const [name] of message.reactions) counts.set(name, (counts.get(name) || 0) + 1);
  return h("div", { class: "reactions" }, [...counts].map(([name, count]) => h("span", { class: "reaction", title: name }, `${emoji(name)} ${count}`)));
}

function threadLine(message, view) {
  const { thread } = view;
  const faces = [...new Set(thread.map((m) => m.user))].slice(0, 4);
  const count = thread.length === 1 ? "1 reply" : `${thread.length} replies`;
  return h("button", { type: "button", class: "thread-line", on: { click: () => view.onThread(message.ts) } },
    h("span", { class: "faces" }, faces.map((id) => avatar(view.person(id)))),
    h("strong", {}, count),
    h("span", { class: "dim" }, `last ${ago(thread.at(-1).ts)}`));
}

function tools(message, view) {
  return h("div", { class: "tools" },
    h("button", { type: "button", class: "btn btn-icon", "aria-label": "Reply in thread", title: "Reply in thread", on: { click: () => view.onThread(message.ts) } }, icon("reply")));
}
