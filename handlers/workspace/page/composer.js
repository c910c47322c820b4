// Where a person writes: messages, mentions and slash commands.

import { h, icon } from "./dom.js";
import { act, complaint } from "./net.js";

// `place`: {label, hint, channel, threadTs, me(), names(): [{name, real_name}], command}
export function composer(place) {
  const note = h("p", { class: "note", role: "alert" });
  const box = h("textarea", { rows: 1, placeholder: place.label, "aria-label": place.label, autocomplete: "off" });
  const send = h("button", { type: "submit", class: "btn btn-primary btn-icon", "aria-label": "Send", disabled: true }, icon("send"));
  const offers = h("div", { class: "offers", hidden: true, role: "listbox", "aria-label": "Suggestions" });
  const form = h("form", { class: "composer" }, offers, box, send);
  const refresh = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 180)}px`;
    send.disabled = !box.value.trim();
    offer(box, offers, place, refresh);
  };
  const submit = async () => {
    const text = box.value.trim();
    if (!text || form.dataset.busy) return;
    form.dataset.busy = "yes";
    box.value = "";
    note.textContent = "";
    refresh();
    const answer = await act(place.me(), { kind: "say", channel: place.channel, thread_ts: place.threadTs, text });
    delete form.dataset.busy;
    note.textContent = complaint(answer);
    if (answer.error === "not_possible" && !box.value) box.value = text;
    refresh();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  box.addEventListener("input", refresh);
  box.addEventListener("keydown", (event) => {
    const choosing = !offers.hidden && (event.key === "Enter" || event.key === "Tab");
    if (choosing) {
      event.preventDefault();
      offers.firstElementChild.click();
    } else if (event.key === "Escape" && !offers.hidden) {
      event.stopPropagation();
      offers.hidden = true;
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
  });
  return h("div", { class: "composer-wrap" }, note, form, place.hint && h("p", { class: "hint" }, place.hint));
}

// Offers names after "@", and the command after a lone "/".
function offer(box, offers, place, refresh) {
  const before = box.value.slice(0, box.selectionStart ?? box.value.length);
  const word = /(?:^|\s)(@[a-z0-9._-]*|\/[a-z]*)$/i.exec(before)?.[1] || "";
  const found = matches(word, before, place);
  offers.hidden = !found.length;
  offers.replaceChildren(...found.map(({ text, label }) =>
    h("button", { type: "button", role: "option", on: { click: () => {
      box.value = `${before.slice(0, before.length - word.length)}${text} ${box.value.slice(before.length)}`;
      box.focus();
      refresh();
    } } }, h("strong", {}, text), h("span", { class: "dim" }, label))));
}

function matches(word, before, place) {
  if (word.startsWith("@")) {
    return place.names()
      .map((p) => ({ text: `@${p.name}`, label: p.real_name }))
      .filter((p) => p.text.startsWith(word.toLowerCase()) && p.text !== word)
      .slice(0, 6);
  }
  const lone = word.startsWith("/") && before === word && !place.threadTs;
  if (!lone || !place.command.startsWith(word) || word === place.command) return [];
  return [{ text: place.command, label: "a command; try “help”" }];
}
