// The left column: workspace, who you are, where you can go, and the guide.

import { h, icon } from "./dom.js";
import { avatar } from "./message.js";
import { drawStage } from "./stage.js";

// `app`: {state, me, place, live, go(place), become(id), notify}
export function drawSidebar(app) {
  const { state } = app;
  const channel = state.channels.find((c) => c.id === state.channel);
  return [
    h("div", { class: "brand" },
      h("div", {}, h("strong", {}, state.team.name), status(app)),
      h("button", { type: "button", class: "btn btn-icon drawer-close", "aria-label": "Close menu", on: { click: () => app.drawer(false) } }, icon("close"))),
    personSwitch(app),
    h("nav", { "aria-label": "Places" },
      entry(app, "channel", icon("hash"), channel.name),
      entry(app, "home", avatar({ is_bot: true }), state.people.find((p) => p.id === state.bot.id).real_name)),
    state.stage && drawStage(state.stage, app.me, app.notify),
  ].filter(Boolean);
}

function status(app) {
  const { connected } = app.state.bot;
  const [look, words] = !app.live ? ["off", "Workspace stopped"] : connected ? ["on", "Bot connected"] : ["wait", "Waiting for the bot"];
  return h("span", { class: `status ${look}` }, words);
}

function personSwitch(app) {
  const people = app.state.people.filter((p) => !p.is_bot);
  const me = people.find((p) => p.id === app.me);
  const choose = h("select", { id: "you", on: { change: (event) => app.become(event.target.value) } },
    people.map((p) => h("option", { value: p.id, selected: p.id === app.me }, `${p.real_name} — ${p.role}`)));
  return h("label", { class: "you", for: "you" }, avatar(me),
    h("span", { class: "you-text" }, h("small", {}, "You are"), h("strong", {}, me.real_name), h("small", { class: "role" }, me.role)),
    icon("down"), choose);
}

function entry(app, place, mark, label) {
  const here = app.place === place || (place === "home" && app.place === "messages");
  return h("button", { type: "button", class: "place", "aria-current": here ? "page" : undefined, on: { click: () => app.go(place) } }, mark, label);
}
