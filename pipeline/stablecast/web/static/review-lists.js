/** The lists beside the words: what is taken out, doubted, proposed, unsure or hard to read, and what else can be looked up. */

import { clock, count, make } from "./review-text.js";

const CONTEXT_S = 2; // before and after, when something is heard in its place
const STEP_S = 0.1;
const FIRST = 200; // rows of a list before "show more"

/**
 * @typedef {{start_s: number, end_s: number, paragraph?: string, first?: number, last?: number, title: string, note?: string, key: string, data?: any}} Item
 * @typedef {{list: string, at: number, focus: boolean}} Step
 */

export const NAMES = { out: "Taken out", proposal: "Proposals", doubt: "Doubts", unsure: "Unsure", finding: "Captions", find: "Find" };

/** One list. It tells the desk what was chosen and what is asked for. */
export class List {
  /**
   * @param {string} name @param {HTMLElement} panel
   * @param {{go: (list: List, item: Item) => void, tools: (list: List, item: Item) => Node[]}} desk
   */
  constructor(name, panel, desk) {
    this.name = name;
    this.panel = panel;
    this.desk = desk;
    /** @type {Item[]} */
    this.items = [];
    /** @type {string | null} */
    this.key = null;
    this.shown = FIRST;
    this.rows = make("ol", { class: "items plainlist" });
    this.more = make("button", { type: "button", class: "little", hidden: true, onclick: () => { this.shown += FIRST; this.draw(); } }, "Show more");
    this.empty = make("p", { class: "soft empty" });
    panel.append(this.empty, this.rows, this.more);
    this.rows.addEventListener("click", (event) => {
      const row = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("button.item"));
      const item = this.items.find((one) => one.key === row?.dataset.key);
      if (item) this.choose(item);
    });
  }

  get chosen() { return this.items.find((item) => item.key === this.key) ?? null; }

  /** @param {Item[]} items @param {string} [nothing] what to say when there are none */
  take(items, nothing = "There is nothing in this list.") {
    const before = this.chosen;
    this.items = items;
    if (before && !this.chosen) this.key = nearest(items, before)?.key ?? null;
    this.empty.textContent = items.length ? "" : nothing;
    this.empty.hidden = items.length > 0;
    const badge = document.querySelector(`[data-count="${this.name}"]`);
    if (badge) badge.textContent = String(items.length);
    this.draw();
  }

  draw() {
    const focused = /** @type {HTMLElement | null} */ (this.rows.contains(document.activeElement) ? document.activeElement : null);
    const kept = focused ? [focused.closest("li")?.dataset.key, focused.dataset.tool] : null;
    const at = this.items.findIndex((item) => item.key === this.key);
    if (at >= this.shown) this.shown = at + 20;
    this.rows.replaceChildren(...this.items.slice(0, this.shown).map((item) => this.#row(item)));
    this.more.hidden = this.items.length <= this.shown;
    if (!kept) return;
    const row = this.rows.querySelector(`li[data-key="${CSS.escape(kept[0] ?? "")}"]`) ?? this.rows.querySelector("li[aria-current]");
    /** @type {HTMLElement | null} */ (row?.querySelector(kept[1] ? `[data-tool="${kept[1]}"]:not([disabled])` : "button.item") ?? row?.querySelector("button.item") ?? null)?.focus({ preventScroll: true });
  }

  /** @param {Item} item */
  #row(item) {
    const chosen = item.key === this.key;
    return make("li", { "data-key": item.key, "aria-current": chosen && "true" },
      make("button", { type: "button", class: "item", "data-key": item.key },
        make("span", { class: "clock" }, clock(item.start_s, true)),
        make("span", { class: "title" }, item.title),
        item.note ? make("span", { class: "remark" }, item.note) : null),
      chosen ? make("div", { class: "tools" }, ...this.desk.tools(this, item)) : null);
  }

  /** @param {Item} item */
  choose(item) {
    this.key = item.key;
    this.draw();
    this.rows.querySelector("li[aria-current]")?.scrollIntoView({ block: "nearest" });
    this.desk.go(this, item);
  }

  /** The next one or the one before, from where the sound is. @param {number} direction @param {number} time_s */
  step(direction, time_s) {
    const chosen = this.chosen;
    const near = chosen && time_s > chosen.start_s - CONTEXT_S - 0.6 && time_s < chosen.end_s + CONTEXT_S + 0.6;
    let at;
    if (chosen && near) at = this.items.indexOf(chosen) + direction;
    else if (direction > 0) at = this.items.findIndex((item) => item.start_s > time_s);
    else at = this.items.findLastIndex((item) => item.start_s < time_s - 0.3);
    const item = this.items[at];
    if (item) this.choose(item);
    return item ?? null;
  }
}

/** @param {Item[]} items @param {Item} to */
function nearest(items, to) {
  let best = null, away = 1.5;
  for (const item of items) {
    const off = Math.abs(item.start_s - to.start_s);
    if (off < away) { best = item; away = off; }
  }
  return best;
}

// --- what the lists say -------------------------------------------------------------------------------------------------

/**
 * @typedef {{number: number, start_s: number, end_s: number, speaker: string | null, cause: string, by: string, applied: boolean, movable: boolean, redact: boolean}} Redaction
 * @typedef {{number: number, start_s: number, end_s: number, speaker: string, kind: string, state: string, reasons: string[], words: string | null}} Proposal
 * @typedef {{start_s: number, end_s: number, speaker: string, translation: boolean, suspicion: string, reason: string}} Doubt
 */

/** @param {Redaction} one */
export function asked(one) {
  if (one.by === "young-person") return "the young person asked for it";
  if (one.cause === "protected") return "a protected word";
  return one.cause === "words" ? "marked in the words" : "marked by hand";
}

/** @param {Redaction[]} redactions @returns {Item[]} */
export const outs = (redactions) => redactions.map((one) => ({
  key: `${one.number}`, start_s: one.start_s, end_s: one.end_s, data: one,
  title: `${one.number}. ${one.redact ? "Taken out" : "Left in"}: ${asked(one)}`,
  note: [`${(one.end_s - one.start_s).toFixed(1)} s`, one.speaker ?? "everybody", one.applied ? null : "with the next cut"].filter(Boolean).join(" · "),
}));

/** @param {Proposal[]} proposals @returns {Item[]} */
export const proposed = (proposals) => proposals.map((one) => ({
  key: `${one.number}`, start_s: one.start_s, end_s: one.end_s, data: one,
  title: one.words ? `“${one.words}”` : `Something in the words (${one.kind})`,
  note: [one.kind, one.speaker, one.state === "open" ? "waits for an answer" : one.state].join(" · "),
}));

/** @param {Doubt[]} doubts @returns {Item[]} */
export const doubted = (doubts) => doubts.map((one, i) => ({
  key: `${i}`, start_s: one.start_s, end_s: one.end_s,
  title: one.reason.charAt(0).toUpperCase() + one.reason.slice(1),
  note: one.translation ? `${one.speaker} · in the English captions` : one.speaker,
}));

/** @param {import("./review-model.js").Place[]} places @returns {Item[]} */
export const unsure = (places) => places.map(({ paragraph, index }) => {
  const word = paragraph.words[index];
  return {
    key: `${paragraph.id}/${index}`, start_s: word.start_s, end_s: word.end_s, paragraph: paragraph.id, first: index, last: index,
    title: word.text ?? "", note: `${Math.round(word.probability * 100)} % sure · ${paragraph.speaker}`,
  };
});

/** @param {import("./review-model.js").Manuscript} script @returns {Item[]} */
export const findings = (script) => script.paragraphs.flatMap((paragraph) => script.findingsOf(paragraph.id).map((found, i) => ({
  key: `${paragraph.id}/${i}`, start_s: paragraph.start_s, end_s: paragraph.end_s, paragraph: paragraph.id,
  title: found.message.charAt(0).toUpperCase() + found.message.slice(1), note: `${found.severity} · ${paragraph.speaker}`,
})));

/** @param {{paragraph: import("./review-model.js").Paragraph, first: number, last: number}[]} hits @returns {Item[]} */
export const hits = (hits) => hits.map(({ paragraph, first, last }) => ({
  key: `${paragraph.id}/${first}`, start_s: paragraph.words[first].start_s, end_s: paragraph.words[last].end_s, paragraph: paragraph.id, first, last,
  title: paragraph.words.slice(Math.max(0, first - 4), last + 5).map((word) => word.text ?? "[removed]").join(" "),
  note: paragraph.speaker,
}));

export { CONTEXT_S, STEP_S, count };
