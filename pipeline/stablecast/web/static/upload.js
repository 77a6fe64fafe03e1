// A recording on its way: in pieces, each acknowledged. After a lost line, or the same file chosen again after a reload, it goes
// on where it was. What the browser keeps for that is a fingerprint of the file and the upload's number: no name.

import { Refused, get, patch, post } from "./api.js";

const PIECE_BYTES = 4 * 1024 * 1024;
const WAIT_MS = [500, 1000, 2000, 4000, 8000, 15000];

async function fingerprint(file) {
  const text = new TextEncoder().encode(`${file.name} ${file.size} ${file.lastModified}`);
  const digest = await crypto.subtle.digest("SHA-256", text);
  return [...new Uint8Array(digest).slice(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const soon = (ms) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
});

export class Upload {
  /** `told(upload)` is called whenever something about it changed. */
  constructor(file, told) {
    this.file = file;
    this.told = told;
    this.id = null;
    this.arrived = 0;
    this.state = "starting"; // "sending", "waiting" (for the line), "whole", "failed"
    this.sentence = "";
    this.dropped = false;
  }

  get size() { return this.file.size; }

  async send() {
    const kept = `upload ${await fingerprint(this.file)}`;
    let tries = 0;
    while (!this.dropped) {
      try {
        if (this.id === null) await this.#begin(kept);
        if (this.arrived >= this.size) break;
        await this.#piece();
        tries = 0;
      } catch (refused) {
        if (!(refused instanceof Refused)) throw refused;
        const lost = refused.status === 0 || refused.status === 503 || refused.status === 423;
        if (!lost && refused.status === 409 && (await this.#ask())) continue; // it is further than we thought
        if (!lost) return this.#now("failed", refused.message);
        this.#now("waiting", "");
        await soon(WAIT_MS[Math.min(tries++, WAIT_MS.length - 1)]);
        if (this.id !== null) await this.#ask();
      }
    }
    if (this.dropped) return undefined;
    sessionStorage.removeItem(kept);
    return this.#now("whole", "");
  }

  async #begin(kept) {
    const known = sessionStorage.getItem(kept);
    if (known) {
      this.id = known;
      if (await this.#ask()) return this.#now("sending", "");
      this.id = null;
    }
    const made = await post("/uploads", { name: this.file.name, size: this.size });
    this.id = made.id;
    this.arrived = made.arrived ?? 0;
    sessionStorage.setItem(kept, this.id);
    return this.#now("sending", "");
  }

  async #ask() {
    try {
      this.arrived = (await get(`/uploads/${encodeURIComponent(this.id)}`)).arrived;
      return true;
    } catch {
      return false;
    }
  }

  async #piece() {
    const end = Math.min(this.size, this.arrived + PIECE_BYTES);
    const bytes = await this.file.slice(this.arrived, end).arrayBuffer();
    const answer = await patch(`/uploads/${encodeURIComponent(this.id)}`, bytes, {
      "Content-Type": "application/octet-stream",
      "Content-Range": `bytes ${this.arrived}-${end - 1}/${this.size}`,
    });
    this.arrived = answer.arrived ?? end;
    this.#now("sending", "");
  }

  drop() {
    this.dropped = true;
    if (this.id !== null) post(`/uploads/${encodeURIComponent(this.id)}/drop`).catch(() => {});
  }

  #now(state, sentence) {
    this.state = state;
    this.sentence = sentence;
    this.told(this);
  }
}
