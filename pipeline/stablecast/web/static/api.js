// Asking the server: one way to send, one way to be told no.

const csrf = () => document.querySelector('meta[name="csrf"]').content;

/** What went wrong, in a sentence for the person. `status` 0: nothing answered. */
export class Refused extends Error {
  constructor(sentence, status, answer = {}) {
    super(sentence);
    this.status = status;
    this.answer = answer;
  }
}

/** Send `data` as JSON and get the answer; throws `Refused`. `last`: the page may be going away. */
export async function post(url, data = {}, { last = false } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF": csrf() },
      body: JSON.stringify(data),
      credentials: "same-origin",
      keepalive: last,
    });
  } catch {
    throw new Refused("", 0);
  }
  return answered(response);
}

/** The JSON at `url`; throws `Refused`. */
export async function get(url) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin" });
  } catch {
    throw new Refused("", 0);
  }
  return answered(response);
}

async function answered(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(typeof answer.error === "string" ? answer.error : "", response.status, answer);
  return answer;
}

/** Send bytes of an upload; throws `Refused`. */
export async function patch(url, bytes, headers) {
  let response;
  try {
    response = await fetch(url, { method: "PATCH", headers: { "X-CSRF": csrf(), ...headers }, body: bytes, credentials: "same-origin" });
  } catch {
    throw new Refused("", 0);
  }
  return answered(response);
}

/** 65.2 → "1:05"; 3725 → "1:02:05". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Say something to everybody, also to who cannot see it. */
export function say(element, sentence, look = "") {
  element.className = `note ${look}`;
  element.textContent = "";
  element.hidden = !sentence;
  if (sentence) requestAnimationFrame(() => { element.textContent = sentence; });
}
