// Ordinary markdown, for markdown blocks and streamed answers: the parts answers use.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "\\*\\*(?=\\S)(.+?)(?<=\\S)\\*\\*",
    "~~(?=\\S)(.+?)(?<=\\S)~~",
    "(?<![\\w*])\\*(?=\\S)([^*\\n]+?)(?<=\\S)\\*(?![\\w*])",
    "(?<![\\w_])_(?=\\S)([^_\\n]+?)(?<=\\S)_(?![\\w_])",
    "\\[([^\\]\\n]+)\\]\\(([^()\\s]+)\\)",
    "<@([A-Z0-9]+)>",
    ":([a-z0-9_+-]+):",
  ].join("|"),
  "gu",
);

export function markdown(text, names) {
  const holder = h("div", { class: "markdown" });
  const rest = text.split("\n");
  while (rest.length) holder.append(...piece(rest, names));
  return holder;
}

function piece(rest, names) {
  const line = rest.shift();
  if (!line.trim()) return [];
  if (/^```/.test(line)) return [h("pre", {}, taken(rest, (l) => !/^```/.test(l), true).join("\n"))];
  const heading = /^(#{1,6})\s+(.*)/.exec(line);
  if (heading) return [h("p", { class: `md-h md-h${Math.min(heading[1].length, 3)}` }, inline(heading[2], names))];
  if (/^(-{3,}|\*{3,}|_{3,})$/.test(line.trim())) return [h("hr")];
  if (/^>/.test(line)) return [quote(line, rest, names)];
  if (/^\s*\|.*\|\s*$/.test(line)) return [table(line, rest, names)];
  if (/^\s*[-*+]\s+/.test(line)) return [list("ul", /^\s*[-*+]\s+/, line, rest, names)];
  if (/^\s*\d+[.)]\s+/.test(line)) return [list("ol", /^\s*\d+[.)]\s+/, line, rest, names)];
  const more = taken(rest, (l) => l.trim() && !/^(```|#{1,6}\s|>|\s*[-*+]\s|\s*\d+[.)]\s|\s*\|)/.test(l));
  return [h("p", {}, inline([line, ...more].join("\n"), names))];
}

function taken(rest, wanted, dropNext = false) {
  const lines = [];
  while (rest.length && wanted(rest[0])) lines.push(rest.shift());
  if (dropNext) rest.shift();
  return lines;
}

function quote(line, rest, names) {
  const all = [line, ...taken(rest, (l) => /^>/.test(l))];
  return h("blockquote", {}, inline(all.map((l) => l.replace(/^> ?/, "")).join("\n"), names));
}

function list(tag, mark, line, rest, names) {
  const items = [line, ...taken(rest, (l) => mark.test(l))];
  return h(tag, {}, items.map((l) => h("li", {}, inline(l.replace(mark, ""), names))));
}

function table(line, rest, names) {
  const rows = [line, ...taken(rest, (l) => /^\s*\|.*\|\s*$/.test(l))]
    .map((l) => l.trim().slice(1, -1).split("|").map((cell) => cell.trim()))
    .filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)));
  const row = (cells, tag) => h("tr", {}, cells.map((cell) => h(tag, {}, inline(cell, names))));
  const body = h("tbody", {}, rows.slice(1).map((cells) => row(cells, "td")));
  return h("div", { class: "table-wrap" }, h("table", {}, h("thead", {}, row(rows[0], "th")), body));
}

function inline(text, names) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(text.slice(at, found.index), token(found, names));
    at = found.index + found[0].length;
  }
  return [...nodes, text.slice(at)];
}

function token([, code, bold, strike, star, under, label, url, person, name], names) {
  if (code !== undefined) return h("code", {}, code);
  if (bold !== undefined) return h("strong", {}, inline(bold, names));
  if (strike !== undefined) return h("s", {}, inline(strike, names));
  if (star !== undefined || under !== undefined) return h("em", {}, inline(star ?? under, names));
  if (url !== undefined) return names.link(url, label);
  if (person !== undefined) return names.mention(person);
  return emoji(name);
}
