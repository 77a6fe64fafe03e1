/** The captions of the cut, as a listener will see them: shown over the player. */

/** @typedef {{start_s: number, end_s: number, speaker: string, lines: string}} Cue */

/** @param {string} text of a WebVTT file @returns {Cue[]} */
export function cues(text) {
  /** @type {Cue[]} */
  const found = [];
  for (const block of text.split(/\r?\n\r?\n/)) {
    const lines = block.split(/\r?\n/);
    const at = lines.findIndex((line) => line.includes("-->"));
    if (at < 0) continue;
    const [start, end] = lines[at].split("-->").map((time) => seconds(time.trim().split(/\s/)[0]));
    const said = lines.slice(at + 1).join("\n");
    const speaker = /<v(?:\.[^ >]*)?\s+([^>]*)>/.exec(said)?.[1] ?? "";
    found.push({ start_s: start, end_s: end, speaker: plain(speaker), lines: plain(said.replace(/<[^>]*>/g, "")) });
  }
  return found.sort((a, b) => a.start_s - b.start_s);
}

/** What is shown at a time; several where people speak at once. @param {Cue[]} all @param {number} time_s */
export function showing(all, time_s) {
  let low = 0, high = all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle].start_s <= time_s) low = middle + 1;
    else high = middle;
  }
  return all.slice(Math.max(0, low - 4), low).filter((cue) => time_s < cue.end_s);
}

/** @param {string} time */
const seconds = (time) => time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);

/** @param {string} text */
const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&nbsp;", "\u00a0").replaceAll("&lrm;", "").replaceAll("&rlm;", "").replaceAll("&amp;", "&");
