/**
 * The transcript on the page. The server sends every paragraph as plain text; one that comes near the view becomes words in
 * spans that can be typed in. One listener for all of them; no listener on a word.
 */

import { clock, make, REMOVED } from "./review-text.js";
import { tokens, unchanged } from "./review-tokens.js";
import { UNSURE } from "./review-model.js";

/**
 * @typedef {import("./review-model.js").Paragraph} Paragraph
 * @typedef {import("./review-tokens.js").Typed} Typed
 */

const NEAR = "900px 0px";
const GUARD = "\u200b"; // lets a caret stand beside a chip at the edge of a paragraph; never saved

/** Tells "typed", "chosen", "entered" (a paragraph), "play" (from a word), "refused" (why a key did nothing) and "undo"/"redo". */
export class Words extends EventTarget {
  /** @param {HTMLElement} root @param {import("./review-model.js").Manuscript} manuscript */
  constructor(root, manuscript) {
    super();
    this.root = root;
    this.manuscript = manuscript;
    /** @type {Map<string, HTMLElement>} */
    this.articles = new Map();
    for (const article of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("article[data-p]")))
      this.articles.set(article.dataset.p ?? "", article);
    /** @type {Map<string, import("./review-tokens.js").Word[]>} the words that a paragraph's spans were made of */
    this.made = new Map();
    /** @type {Element | null} */
    this.now = null;
    /** @type {HTMLElement | undefined} */
    this.article = undefined;
    this.composing = false;
    /** @type {{places: import("./review-model.js").Place[], collapsed: boolean}} */
    this.chosen = { places: [], collapsed: true };
    /** @type {{id: string, offset: number} | null} */
    this.caret = null;
    this.edits = document.body.dataset.edits === "true";
    this.observer = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) this.#prepare(/** @type {HTMLElement} */ (entry.target).dataset.p ?? "");
    }, { rootMargin: NEAR });
    this.#listen();
  }

  /** The paragraphs are known now: from here on they can be typed in. */
  begin() {
    /** @type {Element | null} */
    let before = null;
    for (const paragraph of this.manuscript.paragraphs) {
      /** @type {HTMLElement} */
      const article = this.articles.get(paragraph.id) ?? this.#article(paragraph);
      if (article.previousElementSibling !== before) this.root.insertBefore(article, before ? before.nextSibling : this.root.firstChild);
      before = article;
      this.observer.observe(article);
      this.note(paragraph.id);
    }
    for (const [id, article] of this.articles) if (!this.manuscript.byId.has(id)) { article.remove(); this.articles.delete(id); }
    const first = this.manuscript.paragraphs[0];
    if (first) this.#reachable(first.id);
  }

  /** Show a paragraph as it is known, with the caret where it was. @param {Paragraph} paragraph */
  show(paragraph) {
    const article = this.articles.get(paragraph.id);
    if (!article) return;
    const text = this.text(paragraph.id);
    const who = article.querySelector(".who bdi");
    if (who && who.textContent !== paragraph.speaker) {
      who.textContent = paragraph.speaker;
      text.setAttribute("aria-label", called(paragraph));
    }
    if (!this.made.has(paragraph.id)) {
      text.textContent = plain(paragraph);
      return;
    }
    const kept = document.activeElement === text ? offsets(text) : null;
    text.replaceChildren(...spans(paragraph, kept ? gaps(text, paragraph) : null));
    this.made.set(paragraph.id, paragraph.words);
    if (kept) place(text, kept[0], kept[1]);
    if (this.now && !this.now.isConnected) this.now = null;
  }

  /** @param {string} id @returns {HTMLElement} */
  text(id) { return /** @type {HTMLElement} */ (this.articles.get(id)?.querySelector(".text")); }

  /** What stands there now, as the server takes it; null where nothing was changed. @param {Paragraph} paragraph */
  typed(paragraph) {
    const typed = read(this.text(paragraph.id), this.made.get(paragraph.id) === paragraph.words);
    const made = tokens(typed, paragraph.words);
    return unchanged(made, paragraph.words) ? null : made;
  }

  /** The plain text as it stands. @param {string} id */
  shown(id) { return (this.text(id).textContent ?? "").replaceAll(GUARD, "").replace(/\s+/g, " ").trim(); }

  /** Mark the word that is being said. @param {import("./review-model.js").Place | null} said @param {boolean} follow */
  saying(said, follow) {
    const id = said?.paragraph.id ?? "";
    const article = this.articles.get(id);
    if (this.article !== article) {
      this.article?.classList.remove("now");
      article?.classList.add("now");
      this.article = article;
      if (article && follow) this.reveal(id);
    }
    const word = said && this.made.get(id) === said.paragraph.words ? this.span(id, said.index) : null;
    if (word === this.now) return;
    this.now?.classList.remove("said");
    word?.classList.add("said");
    this.now = word;
  }

  /** @param {string} id */
  reveal(id) {
    const article = this.articles.get(id);
    if (!article) return;
    const box = article.getBoundingClientRect();
    const top = (document.getElementById("desk")?.getBoundingClientRect().bottom ?? 0) + 8;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (box.top < top || box.bottom > innerHeight - 40)
      article.scrollIntoView({ block: "center", behavior: calm || Math.abs(box.top) > innerHeight * 3 ? "instant" : "smooth" });
  }

  /** The element of a word; one chip may stand for several. @param {string} id @param {number} index */
  span(id, index) {
    const text = this.text(id);
    const exact = text?.querySelector(`[data-i="${index}"]`);
    if (exact) return exact;
    return [...(text?.querySelectorAll("[data-n]") ?? [])].find((chip) => {
      const first = Number(/** @type {HTMLElement} */ (chip).dataset.i);
      return first <= index && index < first + Number(/** @type {HTMLElement} */ (chip).dataset.n);
    }) ?? null;
  }

  /** Go to a word: into view, the words selected; with `last` below 0 only the caret before it. @param {string} id @param {number} [first] @param {number} [last] */
  go(id, first, last = first) {
    const article = this.articles.get(id);
    if (!article) return;
    this.#prepare(id);
    this.reveal(id);
    const text = this.text(id);
    this.#reachable(id);
    text.focus({ preventScroll: true });
    if (first === undefined) return;
    const from = this.span(id, first), to = this.span(id, last === undefined || last < 0 ? first : last);
    if (!from || !to) return;
    const range = document.createRange();
    range.setStartBefore(from.firstChild && !from.classList.contains("chip") ? from.firstChild : from);
    range.setEndAfter(to.lastChild && !to.classList.contains("chip") ? to.lastChild : to);
    const selection = getSelection();
    selection?.removeAllRanges();
    selection?.addRange(range);
    if (last !== undefined && last < 0) selection?.collapseToStart();
  }

  /** Show words of a list without taking the focus from it. @param {string} id @param {number} [first] @param {number} [last] */
  point(id, first, last = first) {
    for (const old of this.root.querySelectorAll(".found")) old.classList.remove("found");
    this.#prepare(id);
    this.reveal(id);
    const article = this.articles.get(id);
    if (first === undefined) article?.classList.add("found");
    else for (let i = first; i <= (last ?? first); i += 1) this.span(id, i)?.classList.add("found");
  }

  /** The word at the caret. @returns {import("./review-model.js").Place | null} */
  atCaret() { return this.chosen.places[0] ?? null; }

  /** @param {string} id @param {string} state "" | "unsaved" | "saving" | "conflict" */
  state(id, state) { this.articles.get(id)?.setAttribute("data-state", state); }

  /** Who else is where: id → name. @param {Map<string, string>} people */
  others(people) {
    for (const old of this.root.querySelectorAll(".here")) old.remove();
    for (const [id, name] of people)
      this.articles.get(id)?.querySelector(".who")?.append(make("span", { class: "here mark accent" }, `${name} is here`));
  }

  /** @param {string} id */
  #reachable(id) {
    this.root.querySelector(".text[tabindex='0']")?.setAttribute("tabindex", "-1");
    this.text(id)?.setAttribute("tabindex", "0");
  }

  /** @param {string} id */
  #prepare(id) {
    const paragraph = this.manuscript.byId.get(id);
    if (!paragraph || this.made.has(id)) return;
    const text = this.text(id);
    text.replaceChildren(...spans(paragraph));
    if (this.edits) text.contentEditable = "plaintext-only";
    this.made.set(id, paragraph.words);
    this.observer.unobserve(/** @type {Element} */ (this.articles.get(id)));
  }

  /** @param {Paragraph} paragraph @returns {HTMLElement} */
  #article(paragraph) {
    const article = make("article", { class: "para", "data-p": paragraph.id, "data-state": "" },
      make("div", { class: "who" },
        make("button", { class: "plain clock", type: "button", tabindex: -1, "data-seek": paragraph.start_s, "aria-label": `Play from ${clock(paragraph.start_s)}` }, clock(paragraph.start_s)),
        " ", make("bdi", {}, paragraph.speaker)),
      make("div", { class: "text", role: "textbox", "aria-multiline": "true", "aria-label": called(paragraph), "aria-readonly": String(!this.edits), lang: this.manuscript.language, tabindex: -1 }, plain(paragraph)),
      make("div", { class: "about" }));
    this.articles.set(paragraph.id, article);
    return article;
  }

  /** Show beside a paragraph what the lint found in its captions. @param {string} id */
  note(id) {
    const about = this.articles.get(id)?.querySelector(".about");
    if (!about) return;
    const found = this.manuscript.findingsOf(id);
    let list = about.querySelector(".findings");
    if (!found.length) { list?.remove(); return; }
    if (!list) about.prepend(list = make("ul", { class: "findings plainlist" }));
    list.replaceChildren(...found.map((one) => make("li", {}, `Captions: ${sentence(one.message)}`)));
  }

  #listen() {
    const root = this.root;
    root.addEventListener("beforeinput", (event) => this.#before(/** @type {InputEvent} */ (event)));
    root.addEventListener("input", (event) => this.#input(/** @type {InputEvent} */ (event)));
    root.addEventListener("compositionstart", () => { this.composing = true; });
    root.addEventListener("compositionend", (event) => { this.composing = false; this.#input(event); });
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => event.preventDefault());
    root.addEventListener("focusin", (event) => {
      const id = idOf(event.target);
      if (!id) return;
      this.#reachable(id);
      this.#tell("entered", id);
    });
    root.addEventListener("click", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      const button = /** @type {HTMLElement | null} */ (target.closest("[data-seek]"));
      if (button) this.#tell("play", Number(button.dataset.seek));
      else if ((event.ctrlKey || event.metaKey) && target.closest(".text")) {
        event.preventDefault();
        this.#tell("play", this.#timeOf(target) ?? 0);
      } else if (target.closest(".chip")) this.#tell("chip", this.#timeOf(target));
    });
    root.addEventListener("dblclick", (event) => {
      const time_s = this.#timeOf(/** @type {HTMLElement} */ (event.target));
      if (time_s !== null) this.#tell("seek", time_s);
    });
    root.addEventListener("keydown", (event) => this.#arrows(event));
    document.addEventListener("selectionchange", () => this.choose());
  }

  /** @param {HTMLElement} element */
  #timeOf(element) {
    const word = /** @type {HTMLElement | null} */ (element.closest("[data-i]"));
    const paragraph = this.manuscript.byId.get(idOf(element) ?? "");
    if (!word || !paragraph) return null;
    return paragraph.words[Number(word.dataset.i)]?.start_s ?? paragraph.start_s;
  }

  /** @param {InputEvent} event */
  #before(event) {
    const kind = event.inputType;
    if (kind === "historyUndo" || kind === "historyRedo") {
      event.preventDefault();
      this.#tell(kind === "historyUndo" ? "undo" : "redo");
    } else if (kind === "insertParagraph" || kind === "insertLineBreak" || kind === "insertFromDrop" || kind === "deleteByDrag") {
      event.preventDefault();
    } else if (event.getTargetRanges().some((range) => touchesChip(range, /** @type {Element} */ (event.target)))) {
      event.preventDefault();
      this.#tell("refused", "What is taken out stays where it is. Select the words on one side of it, or put it back in the list “Taken out”.");
    }
  }

  /** @param {Event} event */
  #input(event) {
    const id = idOf(event.target);
    const paragraph = id ? this.manuscript.byId.get(id) : undefined;
    if (!paragraph || this.composing) return;
    const chips = this.text(paragraph.id).querySelectorAll(".chip");
    const there = [...chips].reduce((sum, chip) => sum + Number(/** @type {HTMLElement} */ (chip).dataset.n), 0);
    if (there !== paragraph.words.filter((word) => word.text === null).length) {
      this.show(paragraph); // some way of typing got around the guard above: what is taken out comes back
      this.#tell("refused", "What is taken out stays where it is.");
      return;
    }
    this.#tell("typed", paragraph.id);
  }

  /** Look at what is selected: also before it is used, as browsers tell of a selection late. */
  choose() {
    const selection = getSelection();
    if (!selection?.rangeCount || !selection.anchorNode || !this.root.contains(selection.anchorNode)) return;
    const range = selection.getRangeAt(0);
    /** @type {import("./review-model.js").Place[]} */
    const places = [];
    for (const article of articlesIn(range, this.root)) {
      const paragraph = this.manuscript.byId.get(article.dataset.p ?? "");
      if (!paragraph || this.made.get(paragraph.id) !== paragraph.words) continue;
      for (const word of /** @type {NodeListOf<HTMLElement>} */ (article.querySelectorAll("[data-i]"))) {
        if (!touches(range, word)) continue;
        for (let k = 0; k < Number(word.dataset.n ?? 1); k += 1) places.push({ paragraph, index: Number(word.dataset.i) + k });
      }
    }
    this.chosen = { places: range.collapsed ? places.slice(0, 1) : places, collapsed: range.collapsed };
    this.#tell("chosen");
  }

  /** Arrows lead from one paragraph into the next, as in one text. @param {KeyboardEvent} event */
  #arrows(event) {
    if (!event.key.startsWith("Arrow") || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    const text = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".text"));
    const selection = getSelection();
    const id = idOf(text);
    if (!text || !selection?.rangeCount || !selection.isCollapsed || !id) return;
    const up = event.key === "ArrowUp" || event.key === "ArrowLeft";
    const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    const [at] = offsets(text) ?? [0];
    const line = caretBox(selection.getRangeAt(0)) ?? text.getBoundingClientRect();
    const box = text.getBoundingClientRect();
    const height = parseFloat(getComputedStyle(text).lineHeight) || 24;
    const atEdge = sideways
      ? (up ? at === 0 : at >= bare(text.textContent ?? "").length)
      : (up ? line.top - box.top < height * 0.8 : box.bottom - line.bottom < height * 0.8);
    const next = this.manuscript.paragraphs[(this.manuscript.byId.get(id)?.number ?? 0) + (up ? -1 : 1)];
    if (!atEdge || !next) return;
    event.preventDefault();
    this.go(next.id);
    const other = this.text(next.id);
    const length = bare(other.textContent ?? "").length;
    const target = other.getBoundingClientRect();
    const point = sideways ? null : pointIn(other, line.left, up ? target.bottom - height / 2 : target.top + height / 2);
    if (point) getSelection()?.collapse(point.node, point.offset);
    else place(other, up ? length : 0, up ? length : 0);
  }

  /** @param {string} name @param {unknown} [detail] */
  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }
}

/** @param {Paragraph} paragraph */
export function plain(paragraph) {
  return pieces(paragraph).join(" ");
}

/** @param {Paragraph} paragraph */
const called = (paragraph) => `${paragraph.speaker}, ${clock(paragraph.start_s)}`;

/** @param {string} message */
export const sentence = (message) => message.charAt(0).toUpperCase() + message.slice(1) + (/[.!?]$/.test(message) ? "" : ".");

/** What is shown of a paragraph, piece by piece: a run of words that are taken out is one. @param {Paragraph} paragraph */
const pieces = (paragraph) => paragraph.words
  .filter((word, i, all) => word.text !== null || !i || all[i - 1].text !== null)
  .map((word) => word.text ?? REMOVED);

/**
 * The spaces between the pieces as they were typed, so that drawing a paragraph anew moves no caret; null where other words
 * stand there. A space that was just typed would be lost otherwise, and the next word would stick to the one before.
 * @param {HTMLElement} text @param {Paragraph} paragraph
 */
function gaps(text, paragraph) {
  const typed = (text.textContent ?? "").replaceAll(GUARD, "");
  const found = [];
  let at = 0;
  for (const piece of [...pieces(paragraph), ""]) {
    const start = at;
    while (at < typed.length && /\s/u.test(typed[at])) at += 1;
    if (!typed.startsWith(piece, at)) return null;
    found.push(typed.slice(start, at));
    at += piece.length;
  }
  return at === typed.length ? found : null;
}

/** @param {Paragraph} paragraph @param {string[] | null} [spaces] */
function spans(paragraph, spaces = null) {
  /** @type {(Node | string)[]} */
  const made = [];
  const { words } = paragraph;
  let piece = 0;
  for (let i = 0; i < words.length; piece += 1) {
    made.push(spaces?.[piece] ?? (piece ? " " : ""));
    const word = words[i];
    if (word.text !== null) {
      const marked = word.state === "marked";
      const kind = marked ? " marked" : word.state === "edited" ? " edited" : word.probability < UNSURE ? " unsure" : "";
      made.push(make(marked ? "del" : "span", { class: `w${kind}`, "data-i": i }, word.text));
      i += 1;
      continue;
    }
    let n = 1;
    while (i + n < words.length && words[i + n].text === null) n += 1;
    made.push(make("span", { class: "chip", contenteditable: "false", "data-i": i, "data-n": n }, REMOVED));
    i += n;
  }
  if (spaces) made.push(spaces[piece]);
  if (words[0]?.text === null) made.unshift(GUARD);
  if (words.at(-1)?.text === null) made.push(GUARD);
  return made.filter(Boolean).map((one) => typeof one === "string" ? document.createTextNode(one) : one);
}

/** The words that stand in a paragraph. @param {HTMLElement} text @param {boolean} known  whether its numbers are still right @returns {Typed[]} */
function read(text, known) {
  /** @type {Typed[]} */
  const typed = [];
  let word = "", marked = false;
  /** @type {number | null | undefined} */
  let from;
  const end = () => {
    if (word && word !== REMOVED) typed.push({ text: word, from: known ? from ?? null : null, marked });
    word = "";
    marked = false;
    from = undefined;
  };
  /** @param {Node} node @param {number | null} own @param {boolean} struck */
  const walk = (node, own, struck) => {
    if (node instanceof HTMLElement) {
      if (node.classList.contains("chip")) {
        end();
        for (let k = 0; k < Number(node.dataset.n); k += 1) typed.push({ text: null, from: Number(node.dataset.i) + k, marked: false });
        return;
      }
      if (node.tagName === "BR" || node.tagName === "DIV") end();
      const i = node.dataset.i === undefined ? own : Number(node.dataset.i);
      for (const child of node.childNodes) walk(child, i, struck || node.classList.contains("marked"));
      return;
    }
    for (const sign of (node.textContent ?? "").replaceAll(GUARD, "")) {
      if (/\s/u.test(sign)) { end(); continue; }
      word += sign;
      marked ||= struck;
      from = from === undefined || from === own ? own : null;
    }
  };
  for (const child of text.childNodes) walk(child, null, false);
  end();
  return typed;
}

/** @param {EventTarget | null} target */
function idOf(target) {
  return target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest("article[data-p]"))?.dataset.p ?? null : null;
}

/** @param {StaticRange} range @param {Element} text */
function touchesChip(range, text) {
  const live = document.createRange();
  live.setStart(range.startContainer, range.startOffset);
  live.setEnd(range.endContainer, range.endOffset);
  if (live.collapsed) return Boolean(/** @type {Element} */ (range.startContainer).parentElement?.closest(".chip"));
  return [...text.querySelectorAll(".chip")].some((chip) => live.intersectsNode(chip) && overlaps(live, chip));
}

/** Whether more than an edge is shared. @param {Range} range @param {Element} element */
function overlaps(range, element) {
  const own = document.createRange();
  own.selectNode(element);
  return range.compareBoundaryPoints(Range.END_TO_START, own) < 0 && range.compareBoundaryPoints(Range.START_TO_END, own) > 0;
}

/** Whether a selection has a letter of a word in it, or a caret stands at it. @param {Range} range @param {HTMLElement} word */
function touches(range, word) {
  if (!range.intersectsNode(word)) return false;
  if (range.collapsed) return true;
  const own = document.createRange();
  own.selectNodeContents(word);
  if (range.compareBoundaryPoints(Range.START_TO_START, own) > 0) own.setStart(range.startContainer, range.startOffset);
  if (range.compareBoundaryPoints(Range.END_TO_END, own) < 0) own.setEnd(range.endContainer, range.endOffset);
  return own.toString() !== "";
}

/** @param {Range} range @param {HTMLElement} root @returns {HTMLElement[]} */
function articlesIn(range, root) {
  const from = closest(range.startContainer), to = closest(range.endContainer);
  if (from && from === to) return [from];
  const found = [];
  for (let one = from ?? /** @type {HTMLElement | null} */ (root.firstElementChild); one; one = /** @type {HTMLElement | null} */ (one.nextElementSibling)) {
    if (range.intersectsNode(one)) found.push(one);
    if (one === to) break;
  }
  return found;
}

/** @param {Node} node @returns {HTMLElement | null} */
function closest(node) {
  return (node instanceof Element ? node : node.parentElement)?.closest("article[data-p]") ?? null;
}

/** Where the selection begins and ends, in characters of a paragraph. @param {HTMLElement} text @returns {[number, number] | null} */
export function offsets(text) {
  const selection = getSelection();
  if (!selection?.rangeCount || !text.contains(selection.anchorNode)) return null;
  const range = selection.getRangeAt(0);
  const before = document.createRange();
  before.selectNodeContents(text);
  before.setEnd(range.startContainer, range.startOffset);
  const start = bare(before.toString()).length;
  return [start, start + bare(range.toString()).length];
}

/** @param {string} text */
const bare = (text) => text.replaceAll(GUARD, "");

/** @param {HTMLElement} text @param {number} start @param {number} end */
export function place(text, start, end) {
  const range = document.createRange();
  range.selectNodeContents(text);
  range.collapse(false);
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  let passed = 0, begun = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const whole = node.textContent ?? "", length = bare(whole).length, guard = whole.startsWith(GUARD) ? 1 : 0;
    if (!begun && start <= passed + length) { range.setStart(node, start - passed + guard); begun = true; }
    if (begun && end <= passed + length) { range.setEnd(node, end - passed + guard); break; }
    passed += length;
  }
  const selection = getSelection();
  selection?.removeAllRanges();
  selection?.addRange(range);
}

/** @param {Range} range */
function caretBox(range) {
  const boxes = range.getClientRects();
  return boxes.length ? boxes[0] : null;
}

/** @param {HTMLElement} text @param {number} x @param {number} y */
function pointIn(text, x, y) {
  const found = document.caretPositionFromPoint?.(x, y);
  const range = found ? null : document.caretRangeFromPoint?.(x, y);
  const node = found?.offsetNode ?? range?.startContainer, offset = found?.offset ?? range?.startOffset ?? 0;
  return node && text.contains(node) ? { node, offset } : null;
}
