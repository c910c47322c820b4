// Builds elements. Text only ever becomes a text node, never markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  hash: "M9 4 7 20M17 4l-2 16M4.5 9h16M3.5 15h16",
  menu: "M4 7h16M4 12h16M4 17h16",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6 6 18",
  reply: "M20 12a7.5 7.5 0 0 1-7.5 7.5H4l2-3.2A7.5 7.5 0 1 1 20 12z",
  send: "M5 12h13M12 5.5l6.5 6.5-6.5 6.5",
  dots: "M5.5 12h.9M11.6 12h.9M17.7 12h.9",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  file: "M7 3.5h7l4 4V20.5H7zM14 3.5v4h4",
  check: "M5 12.5l4.5 4.5L19 7.5",
  warn: "M12 4 2.8 19.5h18.4zM12 10v4.5M12 17h.01",
  guide: "M5 5.5h6a2 2 0 0 1 2 2v12a2 2 0 0 0-2-2H5zM19 5.5h-4a2 2 0 0 0-2 2",
  down: "M6 9.5l6 6 6-6",
};

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === "class") node.className = value;
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// Only these schemes ever become a link; anything else stays text.
export function link(url, ...children) {
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return h("span", {}, ...children);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

// Redraws only what changed: items are {key, sign, build}.
export function reconcile(holder, items) {
  const old = new Map([...holder.children].map((node) => [node.dataset.key, node]));
  let place = holder.firstElementChild;
  for (const { key, sign, build } of items) {
    let node = old.get(key);
    old.delete(key);
    if (!node || node.dataset.sign !== sign) {
      const fresh = build();
      fresh.dataset.key = key;
      fresh.dataset.sign = sign;
      if (node) {
        if (node === place) place = fresh;
        node.replaceWith(fresh);
      }
      node = fresh;
    }
    if (node === place) place = place.nextElementSibling;
    else holder.insertBefore(node, place);
  }
  for (const gone of old.values()) gone.remove();
}
