// The modal a person has open: drawn from the top view, submitted, closed.

import { drawBlocks } from "./blocks.js";
import { h, icon } from "./dom.js";
import { allFilled, readInputs } from "./inputs.js";
import { act } from "./net.js";
import { run } from "./elements.js";

let open = null;

// Keeps the dialog equal to the person's top view. `names` resolves ids.
export function showModal(views, me, names) {
  const view = views.at(-1);
  const sign = view ? `${me}:${view.id}:${view.version}` : "";
  if ((open?.sign || "") === sign) return;
  const held = open && view && open.id === view.id ? readInputs(open.node) : undefined;
  open?.node.remove();
  open = null;
  if (!view) return;
  const node = draw(view, me, names, held);
  open = { sign, id: view.id, node };
  document.body.append(node);
  node.showModal();
}

function draw(view, me, names, held) {
  const { body } = view;
  const operate = (target, option) => act(me, { kind: "click", target, option: option ?? null, view_id: view.id });
  const blocks = drawBlocks(body.blocks, { names, operate, errors: view.errors, held });
  const close = () => act(me, { kind: "close", view_id: view.id });
  const submit = body.submit && h("button", { type: "submit", class: "btn btn-primary" }, body.submit.text);
  const general = view.errors[""];
  const form = h("form", { novalidate: true },
    h("header", {}, h("h2", {}, body.title.text),
      h("button", { type: "button", class: "btn btn-icon", "aria-label": "Close", on: { click: close } }, icon("close"))),
    h("div", { class: "sheet-body" }, general && h("p", { class: "failed" }, icon("warn"), `The bot's answer was refused: ${general}`), blocks),
    h("footer", { class: "spot" },
      h("button", { type: "button", class: "btn", on: { click: close } }, body.close?.text || "Cancel"), submit));
  const node = h("dialog", { class: "sheet", "aria-label": body.title.text }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!allFilled(blocks)) return;
    const values = readInputs(blocks);
    await run(submit, () => act(me, { kind: "submit", view_id: view.id, values }));
  });
  node.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  return node;
}

