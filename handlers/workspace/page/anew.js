// Loads the page anew when a part of it did not arrive: a browser drops what it is
// loading while the machine's network changes (a VPN, a container that starts).

const PARTS = "script, link[rel=stylesheet]";
const PAUSE_MS = 500;

function onLost(event) {
  if (event.target instanceof Element && event.target.matches(PARTS)) setTimeout(() => location.reload(), PAUSE_MS);
}

addEventListener("error", onLost, true);
