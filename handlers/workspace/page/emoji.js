// Short names of emoji. An unknown one stays as it was written.

const NAMES = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", white_check_mark: "✅", heavy_check_mark: "✔️",
  x: "❌", warning: "⚠️", rotating_light: "🚨", fire: "🔥", eyes: "👀", bell: "🔔", no_bell: "🔕", mute: "🔇",
  lock: "🔒", unlock: "🔓", hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️", clock1: "🕐",
  red_circle: "🔴", large_yellow_circle: "🟡", large_green_circle: "🟢", large_orange_circle: "🟠",
  large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫", large_red_square: "🟥", tada: "🎉",
  rocket: "🚀", wrench: "🔧", hammer_and_wrench: "🛠️", gear: "⚙️", bar_chart: "📊", memo: "📝",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", mag: "🔍", bulb: "💡", robot_face: "🤖",
  wave: "👋", pray: "🙏", raised_hand: "✋", octagonal_sign: "🛑", no_entry: "⛔", no_entry_sign: "🚫",
  arrow_up: "⬆️", arrow_down: "⬇️", arrow_right: "➡️", arrows_counterclockwise: "🔄", repeat: "🔁",
  heavy_plus_sign: "➕", heavy_minus_sign: "➖", question: "❓", exclamation: "❗", zap: "⚡", package: "📦",
  link: "🔗", bust_in_silhouette: "👤", busts_in_silhouette: "👥", speech_balloon: "💬", calendar: "📅",
  smile: "😄", slightly_smiling_face: "🙂", thinking_face: "🤔", sleeping: "😴", green_heart: "💚",
  heart: "❤️", sparkles: "✨", shield: "🛡️", skull: "💀", construction: "🚧", information_source: "ℹ️",
};

export const emoji = (name) => NAMES[name] || `:${name}:`;
