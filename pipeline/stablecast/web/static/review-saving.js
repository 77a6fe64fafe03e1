/**
 * Keeps what is typed: one paragraph at a time, a moment after the last letter. Nothing is given up: what the server did not
 * take stays on the page and is tried again, and what two people wrote stands side by side until one of them decides.
 */

import { get, post, Refused, signedInAgain, SignedOut, Unreachable } from "./review-api.js";
import { make } from "./review-text.js";
import { plain } from "./review-words.js";

const PAUSE_MS = 600; // after the last letter
const AT_MOST_MS = 4000; // after the first letter that is not saved
const RETRY_MS = [1000, 2000, 4000, 8000];

/** Tells "state" with what to say about it, "saved" (a paragraph), and "conflict" (a paragraph's id). */
export class Saving extends EventTarget {
  /** @param {import("./review-words.js").Words} words @param {import("./review-model.js").Manuscript} manuscript */
  constructor(words, manuscript) {
    super();
    this.words = words;
    this.manuscript = manuscript;
    /** @type {Map<string, number>} when the first letter that is not saved was typed */
    this.dirty = new Map();
    /** @type {Map<string, import("./review-model.js").Told & {version: number}>} what somebody else made of a paragraph meanwhile */
    this.conflicts = new Map();
    /** @type {Set<string>} refused by the server, with a reason; they wait for another letter */
    this.refused = new Set();
    this.timer = 0;
    this.tries = 0;
    /** @type {Promise<void> | null} */
    this.going = null;
    addEventListener("beforeunload", (event) => { if (this.unsaved) event.preventDefault(); });
    addEventListener("online", () => this.#soon(0));
  }

  get unsaved() { return this.dirty.size + this.conflicts.size > 0; }

  /** @param {string} id */
  busy(id) { return this.dirty.has(id) || this.conflicts.has(id); }

  /** @param {string} id */
  typed(id) {
    if (!this.dirty.has(id)) this.dirty.set(id, Date.now());
    this.refused.delete(id);
    this.words.state(id, this.conflicts.has(id) ? "conflict" : "unsaved");
    this.#say("unsaved", "Not saved yet");
    const first = Math.min(...this.dirty.values());
    this.#soon(Math.min(PAUSE_MS, Math.max(0, first + AT_MOST_MS - Date.now())));
  }

  /** Save now; resolves when nothing waits any more, or with false when it could not be saved. */
  async flush() {
    clearTimeout(this.timer);
    await (this.going ?? Promise.resolve());
    if ([...this.dirty.keys()].some((id) => !this.refused.has(id) && !this.conflicts.has(id))) await this.#save();
    return !this.unsaved;
  }

  /** @param {number} after_ms */
  #soon(after_ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.#save(), after_ms);
  }

  async #save() {
    if (this.going) { this.#soon(50); return; }
    this.going = this.#saveAll();
    try { await this.going; } finally { this.going = null; }
  }

  async #saveAll() {
    for (const id of [...this.dirty.keys()]) {
      if (this.conflicts.has(id) || this.refused.has(id)) continue;
      if (!await this.#saveOne(id)) return;
    }
    this.tries = 0;
    if (this.conflicts.size) this.#say("conflict", "Not saved: two people changed the same line. Choose below it.");
    else if (this.refused.size) return;
    else if (!this.dirty.size) this.#say("saved", "Saved");
  }

  /** Whether to go on. @param {string} id */
  async #saveOne(id) {
    const paragraph = this.manuscript.byId.get(id);
    if (!paragraph || this.words.composing) { if (!paragraph) this.dirty.delete(id); else this.#soon(PAUSE_MS); return Boolean(!paragraph); }
    const made = this.words.typed(paragraph);
    const before = this.words.shown(id);
    if (!made) { this.dirty.delete(id); this.words.state(id, ""); return true; }
    this.words.state(id, "saving");
    this.#say("saving", "Saving …");
    try {
      const saved = await post("write", { paragraph: id, base_version: paragraph.base, tokens: made });
      if (saved.conflict) { this.#conflict(id, saved); return true; }
      this.manuscript.takeOne(saved.paragraph, saved.version);
      if (this.words.shown(id) === before) {
        this.dirty.delete(id);
        this.words.show(paragraph);
        this.words.state(id, "");
      } else {
        this.dirty.set(id, Date.now()); // typed on meanwhile: those letters are aligned with the new words
        this.#soon(PAUSE_MS);
      }
      this.dispatchEvent(new CustomEvent("saved", { detail: paragraph }));
      return true;
    } catch (problem) {
      this.words.state(id, "unsaved");
      await this.#failed(id, problem);
      return problem instanceof Refused;
    }
  }

  /** @param {string} id @param {unknown} problem */
  async #failed(id, problem) {
    if (problem instanceof Refused && problem.status === 403 && await signedInAgain()) { this.#soon(0); return; }
    if (problem instanceof Refused && problem.status !== 423) {
      this.refused.add(id);
      this.#say("failed", `Not saved: ${problem.message}`);
      return;
    }
    const wait_ms = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    if (problem instanceof SignedOut) {
      if (await signedInAgain()) { this.#soon(0); return; }
      this.#say("signed-out", "Not saved: you are signed out. Sign in in another tab; this page keeps your words and then saves them.");
    } else if (problem instanceof Refused) {
      this.#say("failed", `Not saved yet, and tried again: ${problem.message}`);
    } else if (problem instanceof Unreachable) {
      this.#say("failed", "Not saved: Stablecast does not answer. Your words are kept on this page and it keeps trying. Do not close it.");
    } else throw problem;
    this.#soon(wait_ms);
  }

  /** @param {string} id @param {import("./review-model.js").Told & any} saved */
  #conflict(id, saved) {
    this.conflicts.set(id, { ...saved.paragraph, version: saved.version });
    this.words.state(id, "conflict");
    const about = this.words.articles.get(id)?.querySelector(".about");
    about?.querySelector(".conflict")?.remove();
    about?.append(make("section", { class: "conflict note warn", "aria-label": "Two versions of this line" },
      make("p", {}, make("strong", {}, "Somebody else changed this line while you typed."), " Nothing is lost: yours stands above and below, and you may copy from either."),
      make("div", { class: "two" },
        make("div", {}, make("h4", {}, "Yours"), make("p", { class: "mine" }, this.words.shown(id)),
          make("button", { type: "button", class: "little", onclick: () => this.#decide(id, true) }, "Keep mine")),
        make("div", {}, make("h4", {}, "Theirs"), make("p", { class: "theirs" }, plain(saved.paragraph)),
          make("button", { type: "button", class: "little", onclick: () => this.#decide(id, false) }, "Keep theirs")))));
    this.dispatchEvent(new CustomEvent("conflict", { detail: id }));
  }

  /** @param {string} id @param {boolean} mine */
  async #decide(id, mine) {
    const theirs = this.conflicts.get(id);
    if (!theirs) return;
    this.conflicts.delete(id);
    const article = this.words.articles.get(id);
    article?.querySelector(".conflict")?.remove();
    const chips = /** @type {NodeListOf<HTMLElement>} */ (this.words.text(id).querySelectorAll(".chip"));
    const shown = [...chips].reduce((sum, chip) => sum + Number(chip.dataset.n), 0);
    const paragraph = this.manuscript.takeOne(theirs, theirs.version);
    if (!paragraph) return;
    // Where they had something taken out meanwhile, my line cannot stand as a whole: theirs is shown, mine is kept beside it.
    const fits = shown === paragraph.words.filter((word) => word.text === null).length;
    if (mine && fits) {
      this.typed(id);
      this.#soon(0);
    } else {
      const own = this.words.shown(id);
      this.dirty.delete(id);
      this.words.show(paragraph);
      this.words.state(id, "");
      if (mine) article?.querySelector(".about")?.append(make("p", { class: "note", role: "status" },
        "Something in this line was taken out meanwhile, so your line cannot replace it as a whole. Yours was: ", make("q", {}, own)));
      if (!this.unsaved) this.#say("saved", "Saved");
    }
    this.words.text(id).focus();
  }

  /** @param {string} state @param {string} sentence */
  #say(state, sentence) { this.dispatchEvent(new CustomEvent("state", { detail: { state, sentence } })); }
}

/** The words as the server has them now. */
export const manuscript = () => get("manuscript");
