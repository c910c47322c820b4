// The demo's guided panel: acts, one button each, and what came of them.

import { h, icon } from "./dom.js";
import { act, complaint } from "./net.js";

const STATES = { waiting: "Later", ready: "", running: "Running", done: "Done", failed: "Did not work" };

export function drawStage(stage, me, notify) {
  const folded = sessionStorage.getItem("stage-folded") === "yes";
  const done = stage.steps.filter((step) => step.state === "done").length;
  const node = h("details", { class: "stage", open: !folded },
    h("summary", {}, icon("guide"), h("span", {}, stage.title), h("span", { class: "count" }, `${done} of ${stage.steps.length}`)),
    stage.intro && h("p", { class: "intro" }, stage.intro),
    h("ol", {}, stage.steps.map((step) => drawStep(step, me, notify))));
  node.addEventListener("toggle", () => sessionStorage.setItem("stage-folded", node.open ? "no" : "yes"));
  return node;
}

function drawStep(step, me, notify) {
  const press = async (event) => {
    event.target.disabled = true;
    const text = complaint(await act(me, { kind: "stage", step: step.id }));
    if (text) {
      notify(text);
      event.target.disabled = false;
    }
  };
  const still = step.state === "running" || step.state === "waiting";
  const look = step.state === "ready" ? "btn btn-primary" : "btn";
  const state = STATES[step.state];
  return h("li", { class: `step is-${step.state}` },
    h("h3", {}, h("span", {}, step.title), state && h("span", { class: "state" }, step.state === "done" && icon("check"), state)),
    h("p", {}, step.text),
    step.result && h("p", { class: "result" }, step.result),
    step.button && h("button", { type: "button", class: `${look}${step.state === "running" ? " busy" : ""}`, disabled: still, on: { click: press } }, step.button));
}
