/** The reviewer's page: joins the sound, the words, the lists and the gate. */

import { Player, SKIP_S } from "./player.js";
import { events, get, post, Refused, signedInAgain, SignedOut, Unreachable } from "./review-api.js";
import { cues, showing } from "./review-captions.js";
import { Gate } from "./review-gate.js";
import { action, help } from "./review-keys.js";
import { asked, CONTEXT_S, doubted, findings, hits, List, NAMES, outs, proposed, STEP_S, unsure } from "./review-lists.js";
import { Manuscript } from "./review-model.js";
import { manuscript as fetched, Saving } from "./review-saving.js";
import { tabs } from "./review-tabs.js";
import { by, clock, count, make, spoken } from "./review-text.js";
import { Wave } from "./review-wave.js";
import { Words } from "./review-words.js";

const { episode = "", digest = "", me = "", roles = "" } = document.body.dataset;
const PLACE_MS = 8000;
const HERE_MS = 15000;
const AGAIN_MS = 5000;
const AWAY_MS = 5 * 60000;
const EDGE_S = 0.002; // words meet without a gap: a mark that ends where the next one begins would take that as well
const TYPING_MS = 1300; // after the last letter the sound goes on

// --- what is on the page ----------------------------------------------------------------------------------------------

const script = new Manuscript();
const words = new Words(by("words"), script);
const saving = new Saving(words, script);
const player = new Player(/** @type {HTMLAudioElement} */ (by("audio")));
const wave = new Wave(/** @type {HTMLCanvasElement} */ (by("wave")), /** @type {HTMLCanvasElement} */ (by("strip")));
const panels = tabs(by("tabs"));
const gate = new Gate({ digest, reviewer: roles.includes("reviewer"), unsaved: () => saving.unsaved, changed: () => script.version !== script.decided });
const desk = { go, tools };
const lists = Object.fromEntries(Object.keys(NAMES).map((name) => [name, new List(name, by(`panel-${name}`), desk)]));

/** @type {import("./review-lists.js").Redaction[]} */
let redactions = [];
let redactionsVersion = 0;
/** @type {import("./review-lists.js").Proposal[]} */
let proposals = [];
/** @type {import("./review-lists.js").Doubt[]} */
let doubts = [];
/** @type {import("./review-captions.js").Cue[]} */
let captions = [];
/** @type {[number, number] | null} */
let stretch = null;
let ready = false;
let failed = ""; // why the last run of this episode ended without a cut

/** Said once to those who hear the page, shown to those who see it. @param {string} sentence @param {boolean} [problem] */
function say(sentence, problem = false) {
  const said = by("said");
  said.textContent = sentence;
  said.classList.toggle("warn", problem);
  said.classList.toggle("there", Boolean(sentence));
  clearTimeout(Number(said.dataset.timer));
  said.dataset.timer = String(setTimeout(() => said.classList.remove("there"), problem ? 12000 : 6000));
}

/** What went wrong, in the server's words. @param {unknown} problem */
function tell(problem) {
  if (problem instanceof SignedOut) say("You are signed out. Sign in in another tab; this page then goes on.", true);
  else if (problem instanceof Unreachable) say("Stablecast does not answer just now. Nothing was changed.", true);
  else if (problem instanceof Refused) say(problem.message, true);
  else throw problem;
}

/** Do something that the server may refuse. @param {() => Promise<void>} what */
async function trying(what) {
  try { await what(); } catch (problem) {
    if ((problem instanceof SignedOut || (problem instanceof Refused && problem.status === 403)) && await signedInAgain()) {
      try { await what(); } catch (again) { tell(again); }
    } else tell(problem);
  }
}

// --- what somebody likes: kept in this browser, never a word ----------------------------------------------------------

const liked = /** @type {Record<string, any>} */ (JSON.parse(localStorage.getItem("stablecast.review") ?? "{}"));

/** @param {string} name @param {unknown} value */
function like(name, value) {
  liked[name] = value;
  localStorage.setItem("stablecast.review", JSON.stringify(liked));
}

/** A button that is on or off. @param {string} id @param {string} name @param {boolean} first @param {(on: boolean) => void} then */
function toggle(id, name, first, then) {
  const button = by(id);
  const set = (/** @type {boolean} */ on) => { button.setAttribute("aria-pressed", String(on)); like(name, on); then(on); };
  button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
  set(liked[name] ?? first);
  return () => button.click();
}

// --- the sound --------------------------------------------------------------------------------------------------------

let follows = false, pauses = true, letters = true, captioned = true;
let cued = "";

player.addEventListener("time", () => {
  const time_s = player.time;
  wave.at(time_s, player.playing);
  by("time").textContent = clock(time_s, true);
  if (ready) words.saying(script.at(time_s), follows && player.playing);
  const shown = captioned ? showing(captions, time_s) : [];
  const key = shown.map((cue) => cue.start_s).join();
  if (key === cued) return;
  cued = key;
  by("cue").replaceChildren(...shown.map((cue) => make("p", {}, cue.speaker ? make("b", {}, `${cue.speaker}: `) : null, ...cue.lines.split("\n").flatMap((line, i) => i ? [make("br"), line] : [line]))));
});

player.addEventListener("state", () => {
  const playing = player.playing;
  by("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  by("play").dataset.playing = String(playing);
  by("speed").textContent = `${player.speed.toFixed(1)}×`;
  by("fast").hidden = player.speed <= 2;
  if (player.duration) { wave.duration = player.duration; by("length").textContent = clock(player.duration); }
  const newer = gate.told?.cut && gate.told.cut.digest !== digest; // then the sound of this one is not served any more
  if (player.audio.error && digest && !newer) say("The sound of this cut cannot be played. Reload the page; if that does not help, make the cut again.", true);
  if (!playing && ready) keepPlace();
});

player.addEventListener("heard", (event) => {
  const stretches = /** @type {CustomEvent<[number, number][]>} */ (event).detail;
  void (async () => {
    try { gate.hear(await post("heard", { digest, stretches }, true)); } catch (problem) {
      if (problem instanceof Refused && problem.status !== 403 && problem.status !== 423) tell(problem);
      else {
        player.unreported.unshift(...stretches); // told again with the next ones
        if (problem instanceof Unreachable || await signedInAgain()) return;
        player.pause();
        tell(problem);
      }
    }
  })();
});

let placed = -1;
function keepPlace() {
  if (!digest || Math.abs(player.time - placed) < 0.2) return;
  placed = player.time;
  void post("place", { digest, place_s: Math.round(placed * 10) / 10 }, true).catch(() => { placed = -1; });
}
setInterval(() => { if (ready && player.playing) keepPlace(); }, PLACE_MS);
addEventListener("pagehide", () => { player.report(); keepPlace(); });

/** @param {number} time_s */
function seek(time_s) { player.seek(time_s); if (ready) words.saying(script.at(player.time), false); }

wave.addEventListener("seek", (event) => seek(/** @type {CustomEvent<number>} */ (event).detail));
wave.addEventListener("stretch", (event) => loop(/** @type {CustomEvent<[number, number] | null>} */ (event).detail));
wave.addEventListener("moved", (event) => {
  const { number, start_s, end_s } = /** @type {CustomEvent<import("./review-wave.js").Region>} */ (event).detail;
  void move(number, start_s, end_s);
});

/** @param {[number, number] | null} to */
function loop(to) {
  stretch = to;
  wave.loop = to;
  player.loop = to && to[1] > to[0] ? to : null;
  by("loop").textContent = to ? `A ${clock(to[0], true)} – B ${clock(to[1], true)}` : "";
  by("unloop").hidden = !to;
  wave.draw();
}

// --- the words --------------------------------------------------------------------------------------------------------

let resume = 0, goes = false;
words.addEventListener("typed", (event) => {
  saving.typed(/** @type {CustomEvent<string>} */ (event).detail);
  gate.show();
  clearTimeout(resume);
  if (!pauses) return;
  if (player.playing) { goes = true; player.pause(); }
  if (goes) resume = setTimeout(() => { goes = false; void player.play(); }, TYPING_MS);
});
words.addEventListener("refused", (event) => say(/** @type {CustomEvent<string>} */ (event).detail));
words.addEventListener("undo", () => void step("undo"));
words.addEventListener("redo", () => void step("redo"));
words.addEventListener("seek", (event) => seek(/** @type {CustomEvent<number>} */ (event).detail));
words.addEventListener("play", (event) => player.playFrom(/** @type {CustomEvent<number>} */ (event).detail));
words.addEventListener("chip", (event) => {
  const time_s = /** @type {CustomEvent<number>} */ (event).detail;
  const item = lists.out.items.find((one) => one.start_s - 0.5 <= time_s && time_s <= one.end_s + 0.5);
  if (item) { panels.open("out"); lists.out.choose(item); }
});
words.addEventListener("entered", (event) => here(/** @type {CustomEvent<string>} */ (event).detail));
words.addEventListener("chosen", () => {
  const n = words.chosen.collapsed ? 0 : words.chosen.places.length;
  const label = document.getElementById("take-out-words");
  if (label) label.textContent = n ? `Take ${count(n, "word")} out` : "Take out";
  remember();
});

document.getElementById("take-out")?.addEventListener("pointerdown", (event) => event.preventDefault()); // the selection stays

saving.addEventListener("state", (event) => {
  const { state, sentence } = /** @type {CustomEvent<{state: string, sentence: string}>} */ (event).detail;
  const shown = by("saved");
  if (shown.textContent === sentence) return;
  const worse = state === "failed" || state === "signed-out" || state === "conflict";
  shown.textContent = sentence;
  shown.dataset.state = state;
  if (worse) say(sentence, true);
  gate.show();
});
saving.addEventListener("saved", () => { drawFound(); reread(); waiting(); });

function drawFound() {
  lists.unsure.take(unsure(script.unsure()), "No word is below half sure. Sure words can be wrong all the same: hear them.");
  if (/** @type {HTMLInputElement} */ (by("wanted")).value.trim()) find();
}

const REREAD_MS = 500; // after the last change: the lint reads all captions together, a second for two hours
let rereading = 0, asks = 0;
/** Have the captions of these words read through, in a moment. */
function reread() {
  clearTimeout(rereading);
  rereading = setTimeout(() => void (async () => {
    const ask = asks += 1;
    const told = await get("findings");
    if (ask !== asks) return;
    for (const id of script.takeFindings(told.findings)) words.note(id);
    lists.finding.take(findings(script), "The captions read well.");
  })().catch(() => {}), REREAD_MS);
}

/** The words as the server has them now; who is typing is not disturbed. */
async function refresh() {
  const told = await fetched();
  const changed = script.take(told, (id) => saving.busy(id));
  if (!ready || told.paragraphs.length !== words.articles.size) words.begin();
  for (const paragraph of changed) words.show(paragraph);
  ready = true;
  drawFound();
  reread();
  waiting();
  speakers();
}

/** @param {import("./review-lists.js").Redaction[]} all @param {number} version */
function takeRedactions(all, version) {
  redactions = all;
  redactionsVersion = version;
  lists.out.take(outs(all), "Nothing is taken out of this cut.");
  regions();
}

function regions() {
  /** @param {import("./review-wave.js").Region["kind"]} kind @param {{start_s: number, end_s: number}} one @param {number} number */
  const region = (kind, one, number) => ({ kind, number, start_s: one.start_s, end_s: one.end_s });
  wave.regions = [
    ...redactions.map((one) => region(!one.redact ? "left" : one.applied ? "out" : "waiting", one, one.number)),
    ...doubts.map((one, i) => region("doubt", one, i)),
    ...proposals.filter((one) => one.state === "open").map((one) => region("proposal", one, one.number)),
  ];
  wave.held = lists.out.chosen?.data.number ?? null;
  wave.draw();
}

/** Take a stretch out, or leave it in. @param {number} start_s @param {number} end_s @param {boolean} [redact] */
async function mark(start_s, end_s, redact = true) {
  const told = await post("mark", { start_s, end_s, redact });
  takeRedactions(told.redactions, told.version);
  await refresh();
  return told;
}

async function takeOut() {
  if (!await saving.flush()) { say("What you typed has to be saved first.", true); return; }
  words.choose();
  const { places, collapsed } = words.chosen;
  const said = places.map(({ paragraph, index }) => paragraph.words[index]).filter((word) => word && word.text !== null);
  await trying(async () => {
    if (said.length && (!collapsed || !stretch)) {
      const start_s = Math.min(...said.map((word) => word.start_s)), end_s = Math.max(...said.map((word) => word.end_s));
      const edge_s = Math.min(EDGE_S, (end_s - start_s) / 4);
      await mark(start_s + edge_s, Math.max(end_s - edge_s, start_s + edge_s + 0.01));
      say(`Marked: ${count(said.length, "word")} at ${clock(start_s)} will be taken out of the next cut. Undo puts ${said.length > 1 ? "them" : "it"} back.`);
    } else if (stretch) {
      await mark(...stretch);
      say(`Marked: ${clock(stretch[0], true)} to ${clock(stretch[1], true)} will be taken out of the next cut.`);
      loop(null);
    } else say("Select words, or set A and B in the sound, then take them out.");
  });
}

/**
 * Numbers hold for one version of the list. Where words were saved since, it is read anew, and the same place found in it.
 * @param {import("./review-lists.js").Redaction} one @returns {Promise<number>}
 */
async function numbered(one) {
  if (redactionsVersion === script.version) return one.number;
  const told = await get("redactions");
  takeRedactions(told.redactions, told.version);
  const same = redactions.find((other) => other.start_s === one.start_s && other.end_s === one.end_s && other.cause === one.cause);
  if (!same) throw new Refused("Somebody changed this list meanwhile. Look at it again.", 409);
  return same.number;
}

/** @param {number} was @param {number} start_s @param {number} end_s */
async function move(was, start_s, end_s) {
  const one = redactions.find((other) => other.number === was);
  if (!one) return;
  await trying(async () => {
    const number = await numbered(one);
    const told = await post("move-mark", { number, start_s, end_s, version: redactionsVersion });
    takeRedactions(told.redactions, told.version);
    await refresh();
    say(`${clock(start_s, true)} to ${clock(end_s, true)}.`);
  });
  takeRedactions(redactions, redactionsVersion); // where it was refused, the picture goes back
}

/** @param {"undo" | "redo"} which */
async function step(which) {
  if (!await saving.flush() && saving.dirty.size) { say("What you typed has to be saved first.", true); return; }
  await trying(async () => {
    const done = await post(which, {});
    const told = await get("redactions");
    await refresh();
    takeRedactions(told.redactions, told.version);
    if (done.paragraph && script.byId.has(done.paragraph)) words.go(done.paragraph, 0, -1);
    else seek(done.start_s);
    say(which === "undo" ? "Undone." : "Done again.");
  });
}

// --- the lists --------------------------------------------------------------------------------------------------------

/** @param {List} list @param {import("./review-lists.js").Item} item */
function go(list, item) {
  seek(item.start_s);
  const paragraph = item.paragraph ? script.byId.get(item.paragraph) : script.paragraphAt(item.start_s + 0.01);
  if (paragraph) words.point(paragraph.id, item.first, item.last);
  if (list.name === "out") regions();
}

/** @param {List} list @param {import("./review-lists.js").Item} item */
function tools(list, item) {
  /** @param {string} tool @param {string} name @param {() => void} then @param {string | null} [why]  why it cannot be used @param {string} [label] */
  const button = (tool, name, then, why = null, label) => make("button", { type: "button", class: "little", "data-tool": tool, onclick: then, disabled: Boolean(why), title: why, "aria-label": label }, name);
  const hear = button("hear", "Hear it", () => player.playFrom(item.start_s - CONTEXT_S, item.end_s + CONTEXT_S));
  if (list.name === "proposal") return [hear,
    ...(item.data.state === "open"
      ? [button("accept", "Take it out", () => void answer(item, "accept")), button("leave", "Leave it in", () => void answer(item, "leave"))]
      : item.data.state === "left in" ? [button("reopen", "Ask again", () => void answer(item, "reopen"))] : []),
    ...reasons(item.data.reasons)];
  if (list.name !== "out") return [hear, button("edit", "Edit here", () => edit(item))];
  const one = /** @type {import("./review-lists.js").Redaction} */ (item.data);
  const only = one.movable ? null : "This is taken out by a rule: it can be made wider, not narrower.";
  const edge = (/** @type {"start_s" | "end_s"} */ name, /** @type {number} */ by_s) => () => void shift(one, name === "start_s" ? by_s : 0, name === "end_s" ? by_s : 0);
  return [hear,
    make("span", { class: "edges", role: "group", "aria-label": `Begins at ${clock(one.start_s, true)}` }, make("span", { class: "soft" }, "Begins "),
      button("s-", "−0.1", edge("start_s", -STEP_S), null, "Begin 0.1 seconds earlier"), button("s+", "+0.1", edge("start_s", STEP_S), only, "Begin 0.1 seconds later")),
    make("span", { class: "edges", role: "group", "aria-label": `Ends at ${clock(one.end_s, true)}` }, make("span", { class: "soft" }, "Ends "),
      button("e-", "−0.1", edge("end_s", -STEP_S), only, "End 0.1 seconds earlier"), button("e+", "+0.1", edge("end_s", STEP_S), null, "End 0.1 seconds later")),
    ...(one.movable ? [button("back", one.redact ? "Put it back" : "Take it out again", () => void putBack(one))] : []),
    ...(only ? [make("p", { class: "soft hint" }, `${asked(one).charAt(0).toUpperCase()}${asked(one).slice(1)}: it can be made wider here, not narrower.`)] : [])];
}

/** @param {string[]} all */
const reasons = (all) => all.length ? [make("p", { class: "soft hint" }, all.join(" "))] : [];

/** @param {import("./review-lists.js").Redaction} one @param {number} start_s @param {number} end_s */
async function shift(one, start_s, end_s) {
  const round = (/** @type {number} */ time_s) => Math.round(time_s * 1000) / 1000;
  const from = Math.max(0, round(one.start_s + start_s)), to = round(one.end_s + end_s);
  if (to - from < STEP_S / 2) say("It cannot be any narrower.");
  else await move(one.number, from, to);
}

/** @param {import("./review-lists.js").Redaction} one */
async function putBack(one) {
  await trying(async () => {
    const number = await numbered(one);
    const told = await post("unmark", { number, version: redactionsVersion });
    takeRedactions(told.redactions, told.version);
    await refresh();
    say("Put back. Undo takes it out again.");
  });
}

/** @param {import("./review-lists.js").Item} item @param {string} what */
async function answer(item, what) {
  await trying(async () => {
    const told = await post("answer", { number: item.data.number, answer: what });
    takeProposals(told.proposals);
    const marks = await get("redactions");
    takeRedactions(marks.redactions, marks.version);
    await refresh();
    say({ accept: "It will be taken out of the next cut.", leave: "It stays in.", reopen: "It waits for an answer again." }[what] ?? "");
  });
}

/** @param {import("./review-lists.js").Proposal[]} all */
function takeProposals(all) {
  proposals = all;
  lists.proposal.take(proposed(all), "Nothing was found that may identify somebody. A person still has to listen for it.");
  by("open-proposals").textContent = String(all.filter((one) => one.state === "open").length);
  regions();
}

/** @param {import("./review-lists.js").Item} item */
function edit(item) {
  const paragraph = item.paragraph ?? script.paragraphAt(item.start_s + 0.01)?.id;
  if (paragraph) words.go(paragraph, item.first ?? script.at(item.start_s + 0.01)?.index ?? 0, item.last);
}

function find() {
  const wanted = /** @type {HTMLInputElement} */ (by("wanted")).value;
  const found = wanted.trim() ? script.find(wanted) : [];
  lists.find.take(hits(found), wanted.trim() ? "These words are nowhere." : "Capitals and accents do not matter.");
  by("found").textContent = wanted.trim() ? count(found.length, "place") : "";
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("#take-all, #protect")))
    button.disabled = !wanted.trim() || (button.id === "take-all" && !found.length);
}

let finding = 0;
by("wanted").addEventListener("input", () => { clearTimeout(finding); finding = setTimeout(find, 150); });
by("find").addEventListener("submit", (event) => { event.preventDefault(); find(); stepIn("find", 1); });
by("wanted").addEventListener("keydown", (event) => { if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); stepIn("find", -1); } });
document.getElementById("take-all")?.addEventListener("click", () => void takeAll());
document.getElementById("protect")?.addEventListener("click", () => void trying(async () => {
  const field = /** @type {HTMLInputElement} */ (by("wanted"));
  await post("protect", { word: field.value.trim() });
  await everything();
  say("On the list of protected words: the next cut takes it out everywhere.");
}));

async function takeAll() {
  if (!await saving.flush()) return;
  const places = lists.find.items.map((item) => [item.start_s, Math.max(item.end_s, item.start_s + 0.05)]);
  await trying(async () => {
    const told = await post("mark-all", { stretches: places });
    takeRedactions(told.redactions, told.version);
    await refresh();
    say(`Marked ${count(places.length, "place")}: the next cut takes them out.`);
  });
}

function speakers() {
  const list = by("speakers");
  if (list.contains(document.activeElement)) return;
  list.replaceChildren(...script.speakers.map((name) => {
    const field = /** @type {HTMLInputElement} */ (make("input", { value: name, "aria-label": `New name for ${name}`, autocomplete: "off", maxlength: 40 }));
    return make("li", {}, make("form", { class: "row", onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      const wanted = field.value.trim();
      if (!wanted || wanted === name) return;
      field.blur();
      void trying(async () => { await post("rename", { old: name, new: wanted }); await everything(); say(`${name} is called ${wanted} from here on.`); });
    } }, field, make("button", { class: "little" }, "Rename")));
  }));
}

by("history").addEventListener("toggle", () => {
  if (/** @type {HTMLDetailsElement} */ (by("history")).open) void trying(async () => {
    const all = await get("versions");
    by("versions").replaceChildren(...[...all].reverse().slice(0, 60).map((one) => make("li", {},
      make("span", {}, `Version ${one.number}, ${new Date(one.at).toLocaleString(document.documentElement.lang)}`), " ",
      one.current ? make("strong", {}, "now") : make("button", { type: "button", class: "little", onclick: () => void trying(async () => {
        await post("restore", { version: one.number });
        await everything();
        say(`Back at version ${one.number}. The others are kept.`);
        /** @type {HTMLDetailsElement} */ (by("history")).open = false;
      }) }, "Go back to this"))));
  });
});

/** @param {string} name @param {number} direction */
function stepIn(name, direction) {
  panels.open(name);
  const item = lists[name].step(direction, player.time);
  say(item ? `${item.title}, ${spoken(item.start_s)}` : `There is no ${direction > 0 ? "further" : "earlier"} one in “${NAMES[/** @type {keyof typeof NAMES} */ (name)]}”.`);
}

// --- the gate ---------------------------------------------------------------------------------------------------------

gate.addEventListener("missing", (event) => { wave.missing = /** @type {CustomEvent<[number, number][]>} */ (event).detail; wave.draw(); });
gate.addEventListener("looked", () => waiting());
gate.addEventListener("said", (event) => say(/** @type {CustomEvent<string>} */ (event).detail));
gate.addEventListener("problem", (event) => say(/** @type {CustomEvent<string>} */ (event).detail, true));
by("panel-gate").addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-hear]"));
  if (button) { player.loop = null; player.playFrom(Number(button.dataset.hear)); }
});

function waiting() {
  const told = gate.told, n = Math.max(told?.waiting ?? 0, script.version !== script.decided ? 1 : 0);
  const newer = told?.cut && told.cut.digest !== digest;
  by("news").hidden = !newer;
  if (newer) {
    by("news-text").textContent = `This is a new cut: ${told.cut?.short}. ${told.cut?.changed.length ? `New in it: ${told.cut.changed.join(", ")}. ` : ""}What you hear here is the cut before.`;
  }
  by("waiting").hidden = !(n || told?.running || failed || (told && !told.cut));
  if (!running) by("waiting-text").textContent = told?.running ? "A new cut is being made. You can go on working."
    : failed ? `The new cut could not be made: ${failed}`
    : n ? "There are changes that are not in this cut yet." : told?.sentence || "There is no finished cut yet.";
  by("run").hidden = Boolean(told?.running);
  gate.show();
}

by("run").addEventListener("click", () => void (async () => {
  if (!await saving.flush()) { say("What you typed has to be saved first.", true); return; }
  await trying(async () => {
    await post("review/run", {});
    by("run").hidden = true;
    by("waiting-text").textContent = "A new cut is being made.";
    say("The new cut is being made. You can go on editing.");
  });
})());
by("open-cut").addEventListener("click", () => void saving.flush().then(() => location.reload()));

let running = false;
/** @param {{episode: string, event: string, left: number, total: number, sentence: string}} told */
function progress(told) {
  if (told.episode !== episode) return;
  const bar = /** @type {HTMLProgressElement} */ (by("progress"));
  const done = told.total - told.left;
  running = told.event !== "ended" && told.event !== "failed";
  if (gate.told) gate.told.running = running;
  bar.hidden = !running || !told.total;
  if (told.total) { bar.max = told.total; bar.value = done; }
  if (running) {
    by("waiting").hidden = false;
    by("run").hidden = true;
    by("waiting-text").textContent = `A new cut is being made${told.total ? `: ${done} of ${told.total} steps are done` : ""}. You can go on working.`;
  }
  failed = told.event === "failed" ? told.sentence : running ? "" : failed;
  if (told.event === "failed") say(`The new cut could not be made: ${told.sentence}`, true);
  if (told.event === "ended") soon();
}

// --- others -----------------------------------------------------------------------------------------------------------

let hereAt = "";
/** @param {string} paragraph */
function here(paragraph) {
  hereAt = paragraph;
  void post("here", { paragraph }).then(present).catch(() => {});
}
let active = Date.now();
for (const kind of ["keydown", "pointerdown", "wheel"]) addEventListener(kind, () => { active = Date.now(); }, { passive: true });
// Who went away is soon not here any more, and their session may end: a page alone keeps nobody signed in.
setInterval(() => { if (hereAt && !document.hidden && Date.now() - active < AWAY_MS) here(hereAt); }, HERE_MS);

/** @param {{name: string, paragraph: string, me: string}[] | {here: {name: string, paragraph: string, me: string}[]}} told */
function present(told) {
  const all = (Array.isArray(told) ? told : told.here).filter((one) => one.me !== me);
  words.others(new Map(all.map((one) => [one.paragraph, one.name])));
  const names = [...new Set(all.map((one) => one.name))];
  const shown = names.length ? `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} here too` : "";
  if (by("people").textContent !== shown) by("people").textContent = shown;
}

let later = 0, lost = false, announced = 0;
/** Look again in a moment; not where this page itself made the version it is told of. @param {number} [version] */
function soon(version = -1) {
  announced = announced === -1 ? -1 : version;
  clearTimeout(later);
  later = setTimeout(() => {
    const known = announced === script.version;
    announced = 0;
    if (!known) void everything().catch(() => {});
  }, 250);
}

function listen() {
  const source = events((kind, told) => {
    if (kind === "version" && told.version !== script.version) soon(told.version);
    else if (kind === "presence") present(told);
    else if (kind === "progress") progress(told);
    else if (kind === "cut") soon();
    else if (kind === "lost") {
      lost = true;
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS); // a refusal: browsers give up after one
    }
    else if (kind === "open" && lost) { lost = false; soon(); if (saving.unsaved) void saving.flush(); }
  });
}

// --- where somebody was -----------------------------------------------------------------------------------------------

const seat = `stablecast.${episode}`;
function remember() {
  const article = /** @type {HTMLElement | null} */ (document.activeElement?.closest?.("article[data-p]"));
  if (article) sessionStorage.setItem(seat, JSON.stringify({ id: article.dataset.p, index: words.atCaret()?.index ?? 0 }));
}

function comeBack() {
  const kept = JSON.parse(sessionStorage.getItem(seat) ?? "null");
  const fresh = performance.getEntriesByType("navigation")[0];
  if (!kept || /** @type {PerformanceNavigationTiming} */ (fresh)?.type !== "reload" || !script.byId.has(kept.id)) return;
  words.go(kept.id, kept.index);
  getSelection()?.collapseToStart();
}

// --- buttons and keys -------------------------------------------------------------------------------------------------

/** @type {Record<string, () => void>} */
const ACTIONS = {
  play: () => player.toggle(),
  back: () => player.skip(-SKIP_S),
  forward: () => player.skip(SKIP_S),
  replay: () => {
    const caret = document.activeElement?.closest("article[data-p]") ? words.atCaret() : null;
    const place = caret ?? script.at(player.time);
    if (place) player.playFrom(place.paragraph.words[place.index]?.start_s ?? place.paragraph.start_s);
  },
  paragraph: () => {
    const caret = document.activeElement?.closest("article[data-p]") ? words.atCaret() : null;
    const paragraph = caret?.paragraph ?? script.paragraphAt(player.time);
    if (paragraph) player.playFrom(paragraph.start_s, paragraph.end_s);
  },
  slower: () => speed(player.speed - 0.1),
  faster: () => speed(player.speed + 0.1),
  normal: () => speed(1),
  from: () => { loop([player.time, Math.max(stretch?.[1] ?? 0, player.time)]); say(`A at ${clock(player.time, true)}`); },
  to: () => { const from = stretch && stretch[0] < player.time ? stretch[0] : Math.max(0, player.time - 3); loop([from, player.time]); say(`B at ${clock(player.time, true)}`); },
  unloop: () => loop(null),
  "next-out": () => stepIn("out", 1), "last-out": () => stepIn("out", -1),
  "next-doubt": () => stepIn("doubt", 1), "last-doubt": () => stepIn("doubt", -1),
  "next-proposal": () => stepIn("proposal", 1), "last-proposal": () => stepIn("proposal", -1),
  "next-unsure": () => stepIn("unsure", 1), "last-unsure": () => stepIn("unsure", -1),
  "next-finding": () => stepIn("finding", 1), "last-finding": () => stepIn("finding", -1),
  find: () => { side("lists"); panels.open("find"); const field = /** @type {HTMLInputElement} */ (by("wanted")); field.focus(); field.select(); },
  edit: () => { side("words"); const place = script.at(player.time) ?? (script.paragraphs[0] ? { paragraph: script.paragraphs[0], index: 0 } : null); if (place) { words.go(place.paragraph.id, place.index); getSelection()?.collapseToStart(); } },
  gate: () => { side("lists"); panels.open("gate", true); },
  "take-out": () => void takeOut(),
  hear: () => { const item = lists.out.chosen ?? lists.out.items.find((one) => one.end_s >= player.time - CONTEXT_S); if (item) { if (lists.out.chosen !== item) { panels.open("out"); lists.out.choose(item); } player.playFrom(item.start_s - CONTEXT_S, item.end_s + CONTEXT_S); } else say("Nothing is taken out here."); },
  widen: () => chosenOut((one) => void shift(one, -STEP_S, STEP_S)),
  narrow: () => chosenOut((one) => void shift(one, STEP_S, -STEP_S)),
  undo: () => void step("undo"),
  redo: () => void step("redo"),
  closer: () => wave.zoom(0.6),
  wider: () => wave.zoom(1 / 0.6),
  help: () => /** @type {HTMLDialogElement} */ (by("help")).showModal(),
};

/** @param {(one: import("./review-lists.js").Redaction) => void} then */
function chosenOut(then) {
  const chosen = lists.out.chosen;
  if (chosen) then(chosen.data);
  else say("Choose a place in the list “Taken out” first.");
}

/** @param {number} times */
function speed(times) { player.setSpeed(times); like("speed", player.speed); }

/** On a narrow screen one of three is shown. @param {string} name */
function side(name) {
  document.body.dataset.side = name;
  for (const button of document.querySelectorAll("#sides button")) button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.side === name));
}

document.addEventListener("keydown", (event) => {
  const does = action(event, letters);
  if (!does || !ACTIONS[does]) return;
  event.preventDefault();
  ACTIONS[does]();
});
document.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-do]"));
  if (button) ACTIONS[button.dataset.do ?? ""]?.();
});
by("sides").addEventListener("click", (event) => {
  const name = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-side]"))?.dataset.side;
  if (name) side(name);
});
document.addEventListener("pointerdown", (event) => {
  const settings = /** @type {HTMLDetailsElement} */ (document.querySelector("details.more"));
  if (settings.open && !settings.contains(/** @type {Node} */ (event.target))) settings.open = false;
});
by("volume").addEventListener("input", () => { player.audio.volume = Number(/** @type {HTMLInputElement} */ (by("volume")).value) / 100; });
by("language")?.addEventListener("change", () => void loadCaptions());
by("keys").append(...help());
new ResizeObserver(() => {
  const sticks = getComputedStyle(by("desk")).position === "sticky";
  document.documentElement.style.setProperty("--desk", sticks ? `${by("desk").offsetHeight + parseFloat(getComputedStyle(by("desk")).insetBlockStart)}px` : "0px");
}).observe(by("desk"));

ACTIONS.captions = toggle("captions", "captions", true, (on) => { captioned = on; cued = "-"; by("cue").hidden = !on; });
ACTIONS.follow = toggle("follow", "follow", false, (on) => { follows = on; });
toggle("pauses", "pauses", true, (on) => { pauses = on; });
toggle("rolls", "rolls", true, (on) => { player.rollsBack = on; });
toggle("letters", "letters", true, (on) => { letters = on; });
toggle("hide-words", "hidden", false, (on) => { document.body.classList.toggle("hides-words", on); });
player.setSpeed(liked.speed ?? 1);
side("words");

async function loadCaptions() {
  const language = /** @type {HTMLSelectElement} */ (by("language")).value;
  const answer = await fetch(`/media/${episode}/${digest}/captions${language ? `.${language}` : ""}.vtt`, { cache: "no-store" });
  if (answer.ok) { captions = cues(await answer.text()); cued = "-"; }
}

const opened = Date.now();
setInterval(() => {
  const minutes = Math.floor((Date.now() - opened) / 60000);
  by("while").textContent = minutes >= 45 ? `You have been here for ${minutes} minutes. A break is fine: your place is kept.` : "";
}, 60000);

/** Everything that can be other than it was. */
async function everything() {
  const [told] = await Promise.all([get("redactions"), refresh(), gate.refresh()]);
  takeRedactions(told.redactions, told.version);
  waiting();
}

async function begin() {
  listen();
  if (digest) void get(`peaks?digest=${digest}`).then((told) => wave.take(told.peaks, told.per_second)).catch(tell);
  if (digest) void loadCaptions();
  await everything();
  document.documentElement.dataset.ready = String(Math.round(performance.now())); // since the page was asked for
  const place_s = gate.told?.heard?.place_s ?? 0;
  if (place_s > 0 && player.time === 0) { player.seek(place_s); say(`You stopped at ${clock(place_s)}.`); }
  comeBack();
  const [found, wanted] = await Promise.all([get("doubts"), get("proposals")]);
  doubts = found.doubts;
  lists.doubt.take(doubted(doubts), "Nothing was recognised that seems made up.");
  takeProposals(wanted.proposals);
  if (saving.unsaved) return;
  document.documentElement.dataset.full = "true";
}

begin().catch(tell);
