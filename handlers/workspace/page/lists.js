// The running list of messages, in the channel and in a thread.

import { h, reconcile } from "./dom.js";
import { drawMessage } from "./message.js";
import { dayKey, dayName } from "./time.js";

// A list stays at its end while the reader is there, also when a picture grows it.
export function keepAtEnd(list) {
  const toEnd = () => stay(list);
  list.addEventListener("scroll", () => {
    // Only the reader scrolls up; a picture that arrives makes the list longer.
    const up = list.scrollTop < Number(list.dataset.top) - 1;
    const left = list.scrollHeight - list.scrollTop - list.clientHeight;
    list.dataset.top = list.scrollTop;
    if (left < 80) list.dataset.pinned = "yes";
    else if (up) list.dataset.pinned = "no";
  });
  const watch = new ResizeObserver(toEnd);
  watch.observe(list);
  watch.observe(list.firstElementChild);
}

function stay(list) {
  if (list.dataset.pinned === "yes") list.scrollTop = list.scrollHeight;
}

export function startOver(list, pinned) {
  list.firstElementChild.replaceChildren();
  list.scrollTop = 0;
  list.dataset.top = 0;
  list.dataset.pinned = pinned ? "yes" : "no";
}

// `view`: {state, me, names, notify, onThread: opens a thread, or null inside one}
export function drawList(list, messages, view, { empty, status }) {
  const items = [];
  let last = null;
  for (const message of messages) {
    const newDay = !last || dayKey(last.ts) !== dayKey(message.ts);
    if (newDay && view.onThread) items.push(dayItem(message));
    items.push(messageItem(message, last, view));
    last = message;
  }
  if (!items.length && empty) items.push(line("empty", empty));
  if (status) items.push(line("thinking", status));
  reconcile(list.firstElementChild, items);
  stay(list);
}

const line = (look, words) => ({ key: look, sign: words, build: () => h("p", { class: look }, words) });

const dayItem = (message) => ({
  key: `day ${dayKey(message.ts)}`,
  sign: dayName(message.ts),
  build: () => h("div", { class: "day", role: "separator" }, h("span", {}, dayName(message.ts))),
});

function messageItem(message, last, view) {
  const thread = view.onThread ? repliesTo(view.state, message.ts) : [];
  const joined = Boolean(last && follows(message, last));
  const person = (id) => view.state.people.find((p) => p.id === id);
  const sign = [message.version, view.me, joined, thread.length, thread.at(-1)?.ts].join();
  const build = () => drawMessage(message, { ...view, person, thread, joined });
  return { key: message.ts, sign, build };
}

// Plain words of the same person within five minutes need no second name.
function follows(message, last) {
  const near = last.user === message.user && Number(message.ts) - Number(last.ts) < 300;
  const plain = [message, last].every((m) => !m.blocks.length && !m.ephemeral && !m.files.length);
  return near && plain;
}

const repliesTo = (state, ts) => state.messages.filter((m) => m.thread_ts === ts && m.ts !== ts && !m.ephemeral);
const isReply = (m) => m.thread_ts && m.thread_ts !== m.ts;

// Ephemeral messages stand where they were said; replies only in their thread.
export const inChannel = (state, id) => state.messages.filter((m) => m.channel === id && !isReply(m));
export const inThread = (state, ts) => state.messages.filter((m) => m.ts === ts || m.thread_ts === ts);
