/**
 * What somebody typed, as the server takes it: words that stay are `{keep: i}`, others `{text}`.
 * Pure: no page, no network.
 */

/**
 * @typedef {{text: string | null, start_s: number, end_s: number, probability: number, state: string}} Word
 * @typedef {{keep: number, mark?: boolean} | {text: string, mark?: boolean}} Token
 * @typedef {{text: string | null, from: number | null, marked: boolean}} Typed
 *   a word as it stands on the page: `text` null for what is taken out, `from` the word it was made of
 */

/**
 * The typed words against those the server has. What is taken out stays where it was, whatever was typed around it; between
 * two such places the words are aligned so that as many as can be keep their own times.
 * @param {Typed[]} typed
 * @param {Word[]} words
 * @returns {Token[]}
 */
export function tokens(typed, words) {
  const out = words.flatMap((word, i) => word.text === null ? [i] : []);
  if (typed.filter((word) => word.text === null).length !== out.length)
    throw new Error("what is taken out was changed");
  /** @type {Token[]} */
  const made = [];
  let first = 0, from = 0;
  for (const stop of [...out, words.length]) {
    let to = from;
    while (to < typed.length && typed[to].text !== null) to += 1;
    made.push(...aligned(typed.slice(from, to), words, first, stop));
    if (stop < words.length) made.push(kept(words, stop));
    first = stop + 1;
    from = to + 1;
  }
  return made;
}

/** A word that stays, with its mark if it has one: a mark is taken back in the list of what is taken out. @param {Word[]} words @param {number} i @returns {Token} */
const kept = (words, i) => words[i].state === "marked" ? { keep: i, mark: true } : { keep: i };

/** @param {Typed[]} typed @param {Word[]} words @param {number} first @param {number} stop @returns {Token[]} */
function aligned(typed, words, first, stop) {
  const rows = typed.length, columns = stop - first;
  const best = Array.from({ length: rows + 1 }, () => new Float64Array(columns + 1));
  /** @param {number} row @param {number} column */
  const worth = (row, column) => {
    const word = words[first + column];
    if (typed[row].text !== word.text) return 0;
    return typed[row].from === first + column ? 1.5 : 1; // of two that are spelt alike, the one that was not touched
  };
  for (let row = rows - 1; row >= 0; row -= 1)
    for (let column = columns - 1; column >= 0; column -= 1) {
      const same = worth(row, column);
      best[row][column] = Math.max(best[row + 1][column], best[row][column + 1], same ? same + best[row + 1][column + 1] : 0);
    }
  /** @type {Token[]} */
  const made = [];
  let column = 0;
  for (let row = 0; row < rows; row += 1) {
    while (column < columns && best[row][column] === best[row][column + 1] && best[row][column] > best[row + 1][column]) column += 1;
    const same = column < columns ? worth(row, column) : 0;
    if (same && best[row][column] === same + best[row + 1][column + 1]) {
      made.push(kept(words, first + column));
      column += 1;
    } else {
      const text = /** @type {string} */ (typed[row].text);
      made.push(typed[row].marked ? { text, mark: true } : { text });
    }
  }
  return made;
}

/** Whether these tokens say that nothing was changed. @param {Token[]} made @param {Word[]} words */
export const unchanged = (made, words) =>
  made.length === words.length && made.every((token, i) => "keep" in token && token.keep === i);
