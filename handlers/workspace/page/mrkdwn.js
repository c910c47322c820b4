// Slack's mrkdwn: *bold* _italic_ ~strike~ `code`, ``` blocks, > quotes, <…> and escapes.

import { h, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { dateText } from "./time.js";

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "<([^<>\\n]+)>",
    "(?<![\\p{L}\\p{N}*])\\*(?=\\S)([^*\\n]+?)(?<=\\S)\\*(?![\\p{L}\\p{N}*])",
    "(?<![\\p{L}\\p{N}_])_(?=\\S)([^_\\n]+?)(?<=\\S)_(?![\\p{L}\\p{N}_])",
    "(?<![\\p{L}\\p{N}~])~(?=\\S)([^~\\n]+?)(?<=\\S)~(?![\\p{L}\\p{N}~])",
    ":([a-z0-9_+'-]+):",
  ].join("|"),
  "gu",
);

export const unescape = (text) =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export function mention(text, mine = false) {
  return h("span", { class: mine ? "mention mine" : "mention" }, text);
}

export function personMention(id, names, fallback) {
  return mention(`@${names.person(id) || fallback || id}`, id === names.me);
}

export function mrkdwn(text, names) {
  const holder = h("div", { class: "mrkdwn" });
  text.split(/```\n?/).forEach((part, index) => {
    if (index % 2) holder.append(h("pre", {}, unescape(part.replace(/\n$/, ""))));
    else if (part) holder.append(...lines(part.replace(/^\n/, ""), names));
  });
  return holder;
}

function lines(text, names) {
  const nodes = [];
  let quote = null;
  text.split("\n").forEach((line, index, all) => {
    const quoted = /^(&gt;|>) ?/.exec(line);
    if (quoted) {
      if (!quote) nodes.push((quote = h("blockquote")));
      else quote.append("\n");
      quote.append(...inline(line.slice(quoted[0].length), names));
      return;
    }
    if (quote) quote = null;
    nodes.push(...inline(line, names));
    if (index < all.length - 1) nodes.push("\n");
  });
  return nodes;
}

export function inline(text, names) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(unescape(text.slice(at, found.index)));
    nodes.push(token(found, names));
    at = found.index + found[0].length;
  }
  nodes.push(unescape(text.slice(at)));
  return nodes;
}

function token([, code, angle, bold, italic, strike, name], names) {
  if (code !== undefined) return h("code", {}, unescape(code));
  if (angle !== undefined) return special(angle, names);
  if (bold !== undefined) return h("strong", {}, inline(bold, names));
  if (italic !== undefined) return h("em", {}, inline(italic, names));
  if (strike !== undefined) return h("s", {}, inline(strike, names));
  return emoji(name);
}

function special(inside, names) {
  const [head, label] = split(inside, "|");
  if (head.startsWith("@")) return personMention(head.slice(1), names, label);
  if (head.startsWith("#")) return mention(`#${names.channel(head.slice(1)) || label || head.slice(1)}`);
  if (head.startsWith("!subteam^")) return mention(`@${names.group(head.slice(9)) || label || "group"}`);
  if (head.startsWith("!date^")) return date(head, label);
  if (head.startsWith("!")) return mention(`@${head.slice(1)}`, true);
  return names.link(unescape(head), unescape(label || head));
}

function date(head, fallback) {
  const [, seconds, format, url] = head.split("^");
  const shown = dateText(Number(seconds), format || "{date_short_pretty} {time}") || fallback || "";
  return url ? link(unescape(url), shown) : h("time", { title: new Date(seconds * 1000).toString() }, shown);
}

function split(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
