// Talks to the server: what a person sees, what they do, when something changed.

const KEY = document.querySelector('meta[name="page-key"]').content;
const HEADERS = { "x-workspace-page": KEY };
const GONE = { error: "gone", text: "The workspace is not running any more." };

export async function readState(person) {
  const answer = await fetch(`/page/state?as=${encodeURIComponent(person)}`, { headers: HEADERS });
  // The server was started anew: this page's key is an old one.
  if (answer.status === 403) location.reload();
  if (!answer.ok) throw new Error(`state ${answer.status}`);
  return answer.json();
}

export async function act(person, what) {
  try {
    const answer = await fetch("/page/act", {
      method: "POST",
      headers: { ...HEADERS, "content-type": "application/json" },
      body: JSON.stringify({ user: person, ...what }),
    });
    return answer.ok ? await answer.json() : GONE;
  } catch {
    return GONE;
  }
}

export function onChange(listener, onLive) {
  const feed = new EventSource("/page/events");
  feed.addEventListener("message", (event) => listener(Number(event.data)));
  feed.addEventListener("open", () => onLive(true));
  feed.addEventListener("error", () => onLive(false));
}

const WORDS = {
  operation_timeout: "The bot did not answer within 3 seconds (operation_timeout). See what the card says before you try again.",
  dispatch_failed: "The bot could not be reached (dispatch_failed). Nothing happened.",
};

// What to tell a person about an act's answer; empty when all is well.
export function complaint(answer) {
  return answer.error ? WORDS[answer.error] || answer.text || answer.error : "";
}
