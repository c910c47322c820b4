// Loads the page anew when a part of it did not arrive: a browser drops what it is
// loading while the machine's network changes (a VPN, a container that starts).
// It stands in the page itself, since it could be dropped like any other part.

const PARTS = "script, link[rel=stylesheet]";
const MOST = 10;
const PAUSE_MS = 500;
let lost = false;

function onLost({ target }) {
  const ours = target instanceof Element && target.matches(PARTS) && (target.src || target.href).startsWith(location.origin);
  const tries = Number(sessionStorage.getItem("anew"));
  if (!ours || lost || tries >= MOST) return;
  lost = true;
  sessionStorage.setItem("anew", tries + 1);
  setTimeout(() => location.reload(), PAUSE_MS);
}

addEventListener("error", onLost, true);
addEventListener("load", () => {
  removeEventListener("error", onLost, true);
  if (!lost) sessionStorage.removeItem("anew");
});
