/** The words as the server last told them, and where each is in time. No page, no network. */

import { fold } from "./review-text.js";

/**
 * @typedef {import("./review-tokens.js").Word} Word
 * @typedef {{id: string, severity: string, source: string, place: string, message: string}} Finding
 * @typedef {{id: string, speaker: string, start_s: number, end_s: number, words: Word[]}} Told
 * @typedef {Told & {base: number, number: number}} Paragraph  `base`: the version its words are of
 * @typedef {{paragraph: Paragraph, index: number}} Place
 */

export const UNSURE = 0.5; // a lower probability is listed; a sure word can be wrong all the same

export class Manuscript {
  constructor() {
    this.version = 0;
    this.decided = 0;
    this.language = "en";
    /** @type {string[]} */
    this.speakers = [];
    /** @type {Paragraph[]} */
    this.paragraphs = [];
    /** @type {Map<string, Paragraph>} */
    this.byId = new Map();
    /** @type {Map<string, Finding[]>} what the lint found in the captions of a paragraph */
    this.findings = new Map();
    this.starts = new Float64Array(0);
    /** @type {Place[]} */
    this.order = [];
    this.stale = true;
  }

  /**
   * Take what the server tells; the paragraphs that are now different.
   * @param {{version: number, decided: number, language: string, speakers: string[], paragraphs: Told[]}} told
   * @param {(id: string) => boolean} busy  whether somebody types in a paragraph: it stays as it is
   */
  take(told, busy = () => false) {
    /** @type {Paragraph[]} */
    const changed = [];
    this.version = told.version;
    this.decided = told.decided;
    this.language = told.language;
    this.speakers = told.speakers;
    this.paragraphs = told.paragraphs.map((one, number) => {
      const old = this.byId.get(one.id);
      if (old && busy(one.id)) return Object.assign(old, { number });
      if (old && JSON.stringify([old.words, old.speaker]) === JSON.stringify([one.words, one.speaker]))
        return Object.assign(old, { number, base: told.version, start_s: one.start_s, end_s: one.end_s });
      const taken = Object.assign(old ?? {}, one, { base: told.version, number });
      changed.push(/** @type {Paragraph} */ (taken));
      return /** @type {Paragraph} */ (taken);
    });
    this.byId = new Map(this.paragraphs.map((one) => [one.id, one]));
    this.stale = true;
    return changed;
  }

  /** One paragraph as it was saved. @param {Told} told @param {number} version */
  takeOne(told, version) {
    const paragraph = this.byId.get(told.id);
    if (!paragraph) return null;
    Object.assign(paragraph, told, { base: version });
    this.version = Math.max(this.version, version);
    this.stale = true;
    return paragraph;
  }

  /** @param {string} id @returns {Finding[]} */
  findingsOf(id) { return this.findings.get(id) ?? []; }

  /** Take what the lint found; the ids of the paragraphs where it is other than before. @param {{paragraph: string, finding: Finding}[]} told */
  takeFindings(told) {
    const before = this.findings;
    this.findings = new Map();
    for (const { paragraph, finding } of told) this.findings.set(paragraph, [...this.findingsOf(paragraph), finding]);
    return [...new Set([...before.keys(), ...this.findings.keys()])]
      .filter((id) => JSON.stringify(before.get(id)) !== JSON.stringify(this.findings.get(id)));
  }

  /** The word that is said at a time, or was said last. @param {number} time_s @returns {Place | null} */
  at(time_s) {
    this.#sort();
    let low = 0, high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= time_s + 1e-3) low = middle + 1;
      else high = middle;
    }
    return low ? this.order[low - 1] : null;
  }

  /** The paragraph that a time lies in or after. @param {number} time_s */
  paragraphAt(time_s) { return this.at(time_s)?.paragraph ?? this.paragraphs[0] ?? null; }

  /** Every word in order of time. */
  *places() {
    for (const paragraph of this.paragraphs)
      for (let index = 0; index < paragraph.words.length; index += 1) yield { paragraph, index };
  }

  /** Words that may be misheard. @returns {Place[]} */
  unsure() {
    return [...this.places()].filter(({ paragraph, index }) => {
      const word = paragraph.words[index];
      return word.text !== null && word.state === "" && word.probability < UNSURE;
    });
  }

  /**
   * Every place where these words stand, case and accents aside. @param {string} wanted
   * @returns {{paragraph: Paragraph, first: number, last: number}[]}
   */
  find(wanted) {
    const parts = wanted.split(/\s+/).map(fold).filter(Boolean);
    if (!parts.length) return [];
    const found = [];
    for (const paragraph of this.paragraphs) {
      const folded = paragraph.words.map((word) => word.text === null ? "" : fold(word.text));
      for (let i = 0; i + parts.length <= folded.length; i += 1)
        if (parts.every((part, k) => folded[i + k] === part || (k === parts.length - 1 && folded[i + k] === `${part}'s`) || (k === parts.length - 1 && folded[i + k] === `${part}’s`)))
          found.push({ paragraph, first: i, last: i + parts.length - 1 });
    }
    return found;
  }

  #sort() {
    if (!this.stale) return;
    this.order = [...this.places()].sort((a, b) => a.paragraph.words[a.index].start_s - b.paragraph.words[b.index].start_s);
    this.starts = Float64Array.from(this.order, (place) => place.paragraph.words[place.index].start_s);
    this.stale = false;
  }
}
