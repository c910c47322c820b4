// rich_text blocks: sections, lists, preformatted text, quotes.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { mention, personMention } from "./mrkdwn.js";
import { dateText } from "./time.js";

export function richText(block, names) {
  return h("div", { class: "rich" }, (block.elements || []).map((part) => piece(part, names)));
}

function piece(part, names) {
  const inside = () => part.elements.map((leaf) => styled(leaf, names));
  switch (part.type) {
    case "rich_text_preformatted":
      return h("pre", {}, inside());
    case "rich_text_quote":
      return h("blockquote", {}, inside());
    case "rich_text_list": {
      const items = part.elements.map((item) => h("li", {}, item.elements.map((leaf) => styled(leaf, names))));
      const ordered = part.style === "ordered";
      const start = ordered && part.offset ? part.offset + 1 : undefined;
      return h(ordered ? "ol" : "ul", { class: `indent-${Math.min(part.indent || 0, 4)}`, start }, items);
    }
    default:
      return h("div", { class: "rich-line" }, inside());
  }
}

const WRAPS = { code: "code", strike: "s", italic: "em", bold: "strong" };

function styled(item, names) {
  let node = leaf(item, names);
  for (const [style, tag] of Object.entries(WRAPS)) {
    if (item.style?.[style]) node = h(tag, {}, node);
  }
  return node;
}

function leaf(item, names) {
  switch (item.type) {
    case "text":
      return item.text;
    case "link":
      return names.link(item.url, item.text || item.url);
    case "user":
      return personMention(item.user_id, names);
    case "usergroup":
      return mention(`@${names.group(item.usergroup_id) || item.usergroup_id}`);
    case "channel":
      return mention(`#${names.channel(item.channel_id) || item.channel_id}`);
    case "broadcast":
      return mention(`@${item.range}`, true);
    case "emoji":
      return emoji(item.name);
    case "date":
      return dateText(item.timestamp, item.format) || item.fallback || "";
    default:
      return item.value || "";
  }
}
