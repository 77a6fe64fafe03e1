/** What the page asks of the server. A refusal is an `Refused` with the server's own sentence; no answer is an `Unreachable`. */

export class Refused extends Error {
  /** @param {string} sentence @param {number} status */
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

export class Unreachable extends Error {}

export class SignedOut extends Error {}

const meta = /** @type {HTMLMetaElement} */ (document.querySelector("meta[name=csrf]"));
const base = `/episodes/${document.body.dataset.episode}`;

/** @param {string} path @param {RequestInit} [how] */
async function ask(path, how = {}) {
  let answer;
  try {
    answer = await fetch(`${base}/${path}`, { cache: "no-store", credentials: "same-origin", ...how });
  } catch {
    throw new Unreachable("Stablecast does not answer");
  }
  if (answer.status === 401) throw new SignedOut("You are signed out");
  const said = await answer.json().catch(() => null);
  if (answer.ok) return said;
  if (answer.status >= 502) throw new Unreachable("Stablecast does not answer");
  throw new Refused(said?.error ?? `Stablecast could not do that (${answer.status}).`, answer.status);
}

/** @param {string} path */
export const get = (path) => ask(path);

/** @param {string} path @param {unknown} body @param {boolean} [leaving] whether the page may be gone before the answer */
export const post = (path, body, leaving = false) => ask(path, {
  method: "POST",
  headers: { "Content-Type": "application/json", "X-CSRF": meta.content },
  body: JSON.stringify(body),
  keepalive: leaving,
});

/** After somebody signed in again in another tab this page takes the new token. Says whether it is signed in. */
export async function signedInAgain() {
  try {
    const answer = await fetch("/me", { cache: "no-store", redirect: "error" });
    if (!answer.ok) return false;
    meta.content = (await answer.json()).csrf;
    return true;
  } catch {
    return false;
  }
}

/** @param {(kind: string, said: any) => void} tell */
export function events(tell) {
  const source = new EventSource(`${base}/events`);
  for (const kind of ["version", "presence", "progress", "cut"])
    source.addEventListener(kind, (event) => tell(kind, JSON.parse(/** @type {MessageEvent} */ (event).data)));
  source.onopen = () => tell("open", null);
  source.onerror = () => tell("lost", null);
  return source;
}
