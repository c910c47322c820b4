// What a person can operate in blocks: buttons, menus, and the confirm dialog before them.

import { h, icon, link } from "./dom.js";
import { complaint } from "./net.js";
import { mrkdwn } from "./mrkdwn.js";

// `site` says where the element stands: {names, operate(target, option) → answer}.
export function element(item, site) {
  switch (item.type) {
    case "button":
      return button(item, site);
    case "overflow":
      return overflow(item, site);
    case "static_select":
      return select(item, site, (item.options || []).map((o) => [o.value, o.text.text]), item.initial_option?.value);
    case "users_select":
      return select(item, site, site.names.everyone(), item.initial_user);
    case "radio_buttons":
      return radios(item, site);
    case "datepicker":
      return datePicker(item, site);
    default:
      return h("span", { class: "unknown" }, `(${item.type})`);
  }
}

function button(item, site) {
  const look = item.style ? `btn btn-${item.style}` : "btn";
  const label = item.accessibility_label || undefined;
  const node = h("button", { type: "button", class: look, "aria-label": label }, item.text.text);
  node.addEventListener("click", async () => {
    if (item.url) {
      link(item.url).click();
      return;
    }
    if (await confirmed(item.confirm, site.names)) await run(node, () => site.operate(item.action_id));
  });
  return node;
}

// Shows that the click is on its way, then nothing, or why it failed.
export async function run(node, work) {
  const spot = node.closest(".spot") || node.parentElement;
  spot.querySelectorAll(":scope > .failed").forEach((old) => old.remove());
  node.classList.add("busy");
  node.setAttribute("aria-busy", "true");
  node.disabled = true;
  const answer = await work();
  node.classList.remove("busy");
  node.removeAttribute("aria-busy");
  node.disabled = false;
  const text = complaint(answer);
  if (text) spot.append(h("p", { class: "failed", role: "alert" }, icon("warn"), h("span", {}, text)));
  return !text;
}

export function confirmed(dialog, names) {
  if (!dialog) return Promise.resolve(true);
  return new Promise((resolve) => {
    const yes = h("button", { class: `btn btn-${dialog.style || "primary"}`, value: "yes" }, dialog.confirm.text);
    const no = h("button", { class: "btn", value: "", autofocus: true }, dialog.deny.text);
    const node = h(
      "dialog",
      { class: "sheet small", "aria-label": dialog.title.text },
      h("form", { method: "dialog" },
        h("h2", {}, dialog.title.text),
        h("div", { class: "sheet-body" }, text(dialog.text, names)),
        h("footer", {}, no, yes)),
    );
    yes.value = "yes";
    node.addEventListener("close", () => {
      node.remove();
      resolve(node.returnValue === "yes");
    });
    document.body.append(node);
    node.showModal();
  });
}

export function text(object, names) {
  if (object.type === "mrkdwn") return mrkdwn(object.text, names);
  return h("div", { class: "plain" }, object.text);
}

function overflow(item, site) {
  const opener = h("button", { type: "button", class: "btn btn-icon", "aria-label": "More actions", "aria-haspopup": "menu" }, icon("dots"));
  const menu = h("div", { class: "menu", role: "menu", popover: "auto" });
  menu.append(
    ...item.options.map((option) =>
      h("button", {
        type: "button",
        role: "menuitem",
        on: {
          click: async () => {
            menu.hidePopover();
            if (option.url) link(option.url).click();
            if (await confirmed(item.confirm, site.names)) {
              await run(opener, () => site.operate(item.action_id, option.value));
            }
          },
        },
      }, option.text.text)),
  );
  menu.addEventListener("keydown", (event) => walk(event, menu));
  opener.addEventListener("click", () => {
    menu.showPopover();
    const at = opener.getBoundingClientRect();
    const box = menu.getBoundingClientRect();
    menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.width - 8))}px`;
    const below = at.bottom + 4;
    menu.style.top = `${below + box.height > innerHeight ? at.top - box.height - 4 : below}px`;
    menu.firstElementChild?.focus();
  });
  return h("span", { class: "overflow" }, opener, menu);
}

function walk(event, menu) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const all = [...menu.children];
  const next = (all.indexOf(document.activeElement) + step + all.length) % all.length;
  all[next].focus();
}

function select(item, site, options, initial) {
  const first = h("option", { value: "" }, item.placeholder?.text || "Choose…");
  const rest = options.map(([value, label]) => h("option", { value, selected: value === initial }, label));
  const node = h("select", { class: "field", "aria-label": item.placeholder?.text || "Choose" }, first, ...rest);
  node.addEventListener("change", async () => {
    if (node.value && (await confirmed(item.confirm, site.names))) {
      await run(node, () => site.operate(item.action_id, node.value));
    }
  });
  return node;
}

function radios(item, site) {
  const group = `r${Math.random().toString(36).slice(2)}`;
  return h("div", { class: "choices", role: "radiogroup" }, item.options.map((option) => {
    const input = h("input", { type: "radio", name: group, checked: option.value === item.initial_option?.value });
    input.addEventListener("change", () => run(input, () => site.operate(item.action_id, option.value)));
    return h("label", {}, input, text(option.text, site.names));
  }));
}

function datePicker(item, site) {
  const node = h("input", { type: "date", class: "field", value: item.initial_date || "" });
  node.addEventListener("change", () => run(node, () => site.operate(item.action_id, node.value)));
  return node;
}
