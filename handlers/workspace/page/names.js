// What ids mean to a reader: people, channels, groups, and links into this workspace.

import { h, link } from "./dom.js";
import { personMention } from "./mrkdwn.js";

export function namesOf(state, me) {
  const by = (list, key) => (id) => list.find((one) => one.id === id)?.[key];
  const names = {
    me,
    person: by(state.people, "real_name"),
    channel: by(state.channels, "name"),
    group: (id) => state.groups[id],
    everyone: () => state.people.filter((p) => !p.is_bot).map((p) => [p.id, p.real_name]),
    mention: (id) => personMention(id, names),
    link: (url, label) => permalink(url, label, state.origin) || link(url, label),
  };
  return names;
}

// A permalink of this workspace opens here, not in a new tab.
function permalink(url, label, origin) {
  const inside = /\/archives\/\w+\/p(\d+)(\d{6})(?:\?thread_ts=([\d.]+))?/.exec(url);
  if (!inside || !url.startsWith(`${origin}/`)) return null;
  return h("a", { href: `#thread-${inside[3] || `${inside[1]}.${inside[2]}`}` }, label);
}
