// Times as a reader says them, in the reader's own time zone.

const DAY = { weekday: "long", day: "numeric", month: "long" };
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

const of = (seconds) => new Date(Number(seconds) * 1000);

export const clock = (ts) => of(ts).toLocaleTimeString([], TIME);
export const full = (ts) => of(ts).toLocaleString([], { dateStyle: "full", timeStyle: "medium" });
export const dayKey = (ts) => of(ts).toDateString();

export function dayName(ts) {
  return nearDay(of(ts)) || of(ts).toLocaleDateString([], DAY);
}

function nearDay(date) {
  const ago = (days) => new Date(Date.now() - days * 86_400_000).toDateString();
  if (date.toDateString() === ago(0)) return "Today";
  return date.toDateString() === ago(1) ? "Yesterday" : "";
}

export function ago(ts) {
  const seconds = Math.max(0, Date.now() / 1000 - Number(ts));
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400 ? `today at ${clock(ts)}` : `${dayName(ts)} at ${clock(ts)}`;
}

const TOKENS = {
  date_num: (d) => d.toISOString().slice(0, 10),
  date: (d) => d.toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" }),
  date_short: (d) => d.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" }),
  date_long: (d) => d.toLocaleDateString([], { ...DAY, year: "numeric" }),
  time: (d) => d.toLocaleTimeString([], TIME),
  time_secs: (d) => d.toLocaleTimeString([], { ...TIME, second: "2-digit" }),
  ago: (d) => ago(d.getTime() / 1000),
};

export function dateText(seconds, format) {
  const date = of(seconds);
  if (Number.isNaN(date.getTime())) return "";
  return format.replace(/\{(\w+)\}/g, (whole, name) => {
    const pretty = name.endsWith("_pretty") ? nearDay(date).toLowerCase() : "";
    const token = TOKENS[name.replace(/_pretty$/, "")];
    return pretty || (token ? token(date) : whole);
  });
}
