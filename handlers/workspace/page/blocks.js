// Draws Block Kit. Every block becomes one element; an unknown one says so.

import { h } from "./dom.js";
import { element, text } from "./elements.js";
import { emoji } from "./emoji.js";
import { input } from "./inputs.js";
import { markdown } from "./markdown.js";
import { richText } from "./richtext.js";

export function drawBlocks(blocks, site) {
  return h("div", { class: "blocks" }, blocks.map((block) => {
    const draw = DRAW[block.type] || unknown;
    const node = draw(block, site);
    node.classList.add("block");
    return node;
  }));
}

const DRAW = {
  header: (b) => h("h3", { class: "b-header" }, withEmoji(b.text)),
  section,
  context: (b, site) => h("div", { class: "b-context" }, b.elements.map((part) => contextPart(part, site))),
  actions: (b, site) =>
    h("div", { class: "b-actions spot", role: "group", "aria-label": "Actions" }, b.elements.map((part) => element(part, site))),
  divider: () => h("hr", { class: "b-divider" }),
  image: (b) => image(b, "b-image"),
  input,
  rich_text: (b, site) => richText(b, site.names),
  table,
  markdown: (b, site) => markdown(b.text, site.names),
};

const unknown = (block) => h("p", { class: "unknown" }, `(a block of type ${block.type})`);

// plain_text shows its emoji unless it says `emoji: false`.
function withEmoji(object) {
  return object.emoji === false ? object.text : object.text.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name));
}

function section(block, site) {
  const main = h("div", { class: "b-section-main" });
  if (block.text) main.append(text(block.text, site.names));
  if (block.fields) {
    main.append(h("div", { class: "b-fields" }, block.fields.map((field) => h("div", { class: "b-field" }, text(field, site.names)))));
  }
  const node = h("div", { class: "b-section spot" }, main);
  const side = block.accessory;
  if (side) node.append(side.type === "image" ? image(side, "b-thumb") : element(side, site));
  return node;
}

function contextPart(part, site) {
  return part.type === "image" ? image(part, "b-icon") : text(part, site.names);
}

// The content policy lets the page load pictures from this server only.
function image(block, look) {
  const source = block.slack_file?.id ? `/page/files/${encodeURIComponent(block.slack_file.id)}` : block.image_url || "";
  const own = new URL(source, location.href).origin === location.origin;
  const shown = own ? h("img", { src: source, alt: block.alt_text, loading: "lazy" }) : h("span", { class: "unknown" }, block.alt_text);
  return h("figure", { class: look }, shown, block.title && h("figcaption", {}, block.title.text));
}

function table(block, site) {
  const align = (column) => block.column_settings?.[column]?.align || "left";
  const cell = (item, column, tag) =>
    h(tag, { class: `to-${align(column)}` }, item.type === "rich_text" ? richText(item, site.names) : String(item.text ?? item.value ?? ""));
  const row = (cells, tag) => h("tr", {}, cells.map((item, column) => cell(item, column, tag)));
  const [head, ...rest] = block.rows;
  return h("div", { class: "table-wrap" }, h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, rest.map((r) => row(r, "td")))));
}
