/** The one table of keys: it binds them and it is the help, so that the help cannot be wrong. */

import { make } from "./review-text.js";

/**
 * @typedef {{does: string, say: string, letter?: string, shift?: boolean, keys?: string[]}} Row
 *   a `letter` works everywhere with Alt, and alone where nobody types; `keys` work everywhere
 */

/** @type {[string, Row[]][]} */
export const TABLE = [
  ["Listening", [
    { does: "play", say: "Play or pause", letter: "K", keys: ["Escape", "Ctrl+Space"] },
    { does: "back", say: "Back 5 seconds", letter: "J" },
    { does: "forward", say: "Forward 5 seconds", letter: "L" },
    { does: "replay", say: "Play from the word at the caret, or again from the word that is being said", letter: "R" },
    { does: "paragraph", say: "Play this paragraph alone", letter: "P" },
    { does: "slower", say: "Slower by 0.1", keys: ["Alt+Minus"] },
    { does: "faster", say: "Faster by 0.1", keys: ["Alt+Plus"] },
    { does: "normal", say: "Normal speed", keys: ["Alt+0"] },
    { does: "from", say: "A: a stretch begins here", letter: "A" },
    { does: "to", say: "B: it ends here, and is played again and again", letter: "B" },
    { does: "unloop", say: "Let go of the stretch from A to B", letter: "A", shift: true },
  ]],
  ["Going to", [
    { does: "next-out", say: "Next place that is taken out", letter: "X" },
    { does: "last-out", say: "The one before", letter: "X", shift: true },
    { does: "next-doubt", say: "Next doubt", letter: "Q" },
    { does: "last-doubt", say: "The one before", letter: "Q", shift: true },
    { does: "next-proposal", say: "Next proposal", letter: "O" },
    { does: "last-proposal", say: "The one before", letter: "O", shift: true },
    { does: "next-unsure", say: "Next unsure word", letter: "U" },
    { does: "last-unsure", say: "The one before", letter: "U", shift: true },
    { does: "next-finding", say: "Next caption finding", letter: "C" },
    { does: "last-finding", say: "The one before", letter: "C", shift: true },
    { does: "find", say: "Find words", letter: "F" },
    { does: "edit", say: "Put the caret where the sound is", letter: "E" },
    { does: "gate", say: "Go to the gate: what is heard, the checklist, approve", letter: "G" },
  ]],
  ["Changing", [
    { does: "take-out", say: "Take out what is selected, the stretch from A to B, or the word at the caret", letter: "T" },
    { does: "hear", say: "Hear what is taken out here, with 2 seconds before and after", letter: "H" },
    { does: "widen", say: "Make it wider: 0.1 seconds at each end", letter: "W" },
    { does: "narrow", say: "Make it narrower: 0.1 seconds at each end", letter: "N" },
    { does: "undo", say: "Undo your last change, typed or marked, also after a reload", keys: ["Ctrl+Z"] },
    { does: "redo", say: "Do it again", keys: ["Ctrl+Shift+Z", "Ctrl+Y"] },
  ]],
  ["Looking", [
    { does: "captions", say: "Captions over the player, on or off", letter: "V" },
    { does: "follow", say: "Follow the sound in the words, on or off", letter: "S" },
    { does: "closer", say: "Waveform closer", keys: ["Alt+ArrowUp"] },
    { does: "wider", say: "More of the waveform", keys: ["Alt+ArrowDown"] },
    { does: "help", say: "These keys", letter: "I", keys: ["?"] },
  ]],
];

const WRITTEN = { Minus: "−", Plus: "+", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };
const APPLE = /Mac|iP(ad|hone)/.test(navigator.platform);

/** @param {Row} row */
const everywhere = (row) => [...(row.keys ?? []), ...(row.letter ? [`Alt+${row.shift ? "Shift+" : ""}${row.letter}`] : [])];

/** @param {Row} row */
const outside = (row) => row.letter ? [`${row.shift ? "Shift+" : ""}${row.letter}`] : [];

/** @type {Map<string, string>} */
const ANYWHERE = new Map(), ALONE = new Map();
for (const [, rows] of TABLE) for (const row of rows) {
  for (const key of everywhere(row)) put(key === "?" ? ALONE : ANYWHERE, key, row.does);
  for (const key of outside(row)) put(ALONE, key, row.does);
}

/** @param {Map<string, string>} map @param {string} key @param {string} does */
function put(map, key, does) {
  if (map.has(key)) throw new Error(`${key} is bound twice`);
  map.set(key, does);
}

/** A key as the table writes it. @param {KeyboardEvent} event */
export function named(event) {
  let name = event.key;
  if (event.code === "Space") name = "Space";
  else if (/^[a-z]$/i.test(name)) name = name.toUpperCase();
  else if (event.altKey && event.code.startsWith("Key")) name = event.code.slice(3); // with Alt a Mac types another sign
  else if (name === "-" || (event.altKey && event.code === "Minus")) name = "Minus";
  else if (name === "=" || name === "+" || (event.altKey && event.code === "Equal")) name = "Plus";
  else if (event.altKey && event.code === "Digit0") name = "0";
  const shift = event.shiftKey && name !== "?" && name !== "Plus";
  return [event.ctrlKey || event.metaKey ? "Ctrl+" : "", event.altKey ? "Alt+" : "", shift ? "Shift+" : "", name].join("");
}

/** @param {EventTarget | null} target */
export const typesIn = (target) => target instanceof HTMLElement && (target.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio|range|button)$/.test(/** @type {HTMLInputElement} */ (target).type)));

/**
 * What a key does here; null: nothing of ours.
 * @param {KeyboardEvent} event @param {boolean} letters  whether single letters are switched on
 */
export function action(event, letters) {
  if (event.isComposing || event.getModifierState("AltGraph") || document.querySelector("dialog[open]")) return null;
  const name = named(event), target = event.target, typing = typesIn(target);
  const field = typing && !/** @type {HTMLElement} */ (target).isContentEditable;
  if (field && /^Ctrl\+(Shift\+)?[ZY]$/.test(name)) return null; // a field undoes its own letters
  return ANYWHERE.get(name) ?? (letters && !typing ? ALONE.get(name) : null) ?? null;
}

/** @param {string} key */
const written = (key) => key.split("+").map((part) => part === "Ctrl" && APPLE ? "⌘" : part === "Alt" && APPLE ? "⌥" : WRITTEN[/** @type {keyof typeof WRITTEN} */ (part)] ?? part);

/** The table as help. */
export function help() {
  return TABLE.map(([group, rows]) => make("section", {}, make("h3", {}, group),
    make("dl", { class: "keys" }, ...rows.map((row) => make("div", { "data-does": row.does },
      make("dt", {}, row.say),
      make("dd", {}, ...[...everywhere(row), ...outside(row)].flatMap((key, i) => [
        ...(i ? [" or "] : []),
        make("span", { class: "combo", "data-key": key }, ...written(key).flatMap((part, k) => [...(k ? ["+"] : []), make("kbd", {}, part)])),
      ])))))));
}
