// Input blocks: drawn as form fields that carry their action_id, read when submitted.

import { h } from "./dom.js";
import { text } from "./elements.js";

export function input(block, site) {
  const id = `f-${block.block_id}`;
  const field = draw(block.element, site, id);
  const error = site.errors?.[block.block_id];
  return h("div", { class: "b-input", "data-block": block.block_id, "data-optional": block.optional || undefined },
    h("label", { for: id }, block.label.text, block.optional && h("span", { class: "optional" }, " (optional)")),
    field,
    block.hint && h("p", { class: "hint" }, block.hint.text),
    h("p", { class: "field-error", role: "alert" }, error || ""));
}

function draw(item, site, id) {
  const base = { id, class: "field", "data-action": item.action_id, placeholder: item.placeholder?.text };
  const held = site.held?.[item.action_id];
  const options = () => (item.options || []).map((o) => [o.value, o.text.text]);
  switch (item.type) {
    case "plain_text_input": {
      const size = { maxlength: item.max_length, minlength: item.min_length };
      const value = held ?? item.initial_value ?? "";
      if (item.multiline) return h("textarea", { ...base, ...size, rows: 4, value });
      return h("input", { ...base, ...size, type: "text", value });
    }
    case "static_select":
      return chooser(base, options(), held ?? item.initial_option?.value);
    case "users_select":
      return chooser(base, site.names.everyone(), held ?? item.initial_user);
    case "radio_buttons":
      return choices(item, "radio", [held ?? item.initial_option?.value], site);
    case "checkboxes":
      return choices(item, "checkbox", held ?? (item.initial_options || []).map((o) => o.value), site);
    default: {
      const kind = { datepicker: "date", timepicker: "time", number_input: "number" }[item.type] || "text";
      const initial = item.initial_date || item.initial_time || item.initial_value || "";
      return h("input", { ...base, type: kind, value: held ?? initial });
    }
  }
}

function chooser(base, options, chosen) {
  const first = h("option", { value: "" }, base.placeholder || "Choose…");
  return h("select", base, first, options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)));
}

function choices(item, kind, chosen, site) {
  return h("div", { class: "choices", "data-action": item.action_id, "data-kind": kind }, item.options.map((option) =>
    h("label", {},
      h("input", { type: kind, name: item.action_id, value: option.value, checked: chosen.includes(option.value) }),
      text(option.text, site.names))));
}

// Returns {action_id: value or list of values} of everything inside.
export function readInputs(holder) {
  const values = {};
  for (const field of holder.querySelectorAll("[data-action]")) {
    const ticked = [...field.querySelectorAll("input:checked")].map((box) => box.value);
    if (field.dataset.kind === "checkbox") values[field.dataset.action] = ticked;
    else if (field.dataset.kind === "radio") values[field.dataset.action] = ticked[0] || "";
    else values[field.dataset.action] = field.value;
  }
  return values;
}

// Marks required fields that are empty; returns whether all are filled.
export function allFilled(holder) {
  let first = null;
  for (const block of holder.querySelectorAll(".b-input")) {
    const [value] = Object.values(readInputs(block));
    const missing = block.dataset.optional === undefined && (!value || !value.length);
    block.querySelector(".field-error").textContent = missing ? "Please fill this in." : "";
    if (missing && !first) first = block.querySelector("input, textarea, select");
  }
  first?.focus();
  return !first;
}
