// The desk of one episode.

import { clock, get, post, say } from "./api.js";
import { consents, details, noteRows, protectedWords, receipt, seeing } from "./fields.js";
import { drawRun, drawn, listenTo, stageWords } from "./stages.js";

const found = (id) => document.getElementById(id);
const episode = document.body.dataset.episode;
const at = (path) => `/episodes/${encodeURIComponent(episode)}/${path}`;
const told = found("told");
const sorry = (refused) => refused.message || "That did not work. Try again.";

// --- the run
function wording() {
  for (const name of document.querySelectorAll("#stages .name")) name.textContent = stageWords(name.closest("li").dataset.stage);
}
wording();

async function refresh() {
  const fresh = await drawn(location.pathname).catch(() => null);
  if (!fresh) return;
  const inside = found("live").contains(document.activeElement);
  found("live").replaceChildren(...fresh.getElementById("live").children);
  found("protected").textContent = fresh.getElementById("protected").textContent;
  wording();
  if (inside) found("run").focus();
}

function show(run) {
  if (run.episode !== episode) return;
  const button = found("run");
  if (run.event === "ended") {
    button.disabled = false;
    refresh();
    return;
  }
  button.disabled = true;
  const going = document.querySelector("#live .going");
  drawRun(going, run);
  if (run.event === "failed") say(told, run.sentence, "warn");
  going.querySelector(".stage").textContent = run.stage ? stageWords(run.stage) : "Waiting for its turn";
  for (const row of document.querySelectorAll("#stages li")) {
    if (row.dataset.stage !== run.stage) { row.classList.remove("now"); continue; }
    const done = run.event === "done" || run.event === "up-to-date";
    row.classList.toggle("done", done);
    row.classList.toggle("now", run.event === "start");
    row.querySelector(".tick").textContent = done ? "✓" : run.event === "start" ? "›" : "·";
  }
}
listenTo("/board/events", { progress: show });
found("run").addEventListener("click", async () => {
  try {
    say(told, "");
    show(await post(at("run")));
  } catch (refused) { say(told, sorry(refused), "warn"); }
});

// --- proposals: their words are audible still, and are only fetched when somebody wants to answer
const list = found("proposal-list");
async function proposals(answer = null) {
  const button = found("see-proposals");
  button.disabled = true;
  try {
    const view = answer ? await post(at("desk/proposals"), answer) : await get(at("desk/proposals"));
    const open = view.proposals.filter((one) => one.state === "open");
    found("proposals-none").textContent = open.length ? `${open.length} to answer.` : view.proposals.length ? "All are answered." : "None was found.";
    list.replaceChildren(...view.proposals.map(proposalRow));
    if (view.doubt) { const row = document.createElement("li"); row.className = "note warn"; row.textContent = view.doubt; list.prepend(row); }
    button.hidden = true;
    if (answer) (list.querySelector("button") ?? found("h-proposals")).focus();
    if (answer) refresh();
  } catch (refused) {
    found("proposals-none").textContent = sorry(refused);
  } finally { button.disabled = false; }
}
function proposalRow(one) {
  const row = document.createElement("li");
  row.className = "proposal";
  const text = document.createElement("div");
  const words = document.createElement("p");
  words.className = "words";
  const said = document.createElement("bdi");
  said.textContent = one.words ?? "…";
  words.append(said);
  const why = document.createElement("p");
  why.className = "soft small";
  why.textContent = [one.kind, ...one.reasons].join(" · ");
  const where = document.createElement("p");
  where.className = "soft small";
  const who = document.createElement("bdi");
  who.textContent = one.speaker;
  where.append(clock(one.start_s), " of the recording · ", who);
  text.append(words, why, where);
  const answers = document.createElement("div");
  answers.className = "row";
  const button = (label, look, data) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = look;
    made.textContent = label;
    made.setAttribute("aria-label", `${label}: ${one.words ?? one.kind}`);
    made.addEventListener("click", () => proposals(data));
    answers.append(made);
  };
  if (one.state === "open") {
    button("Take it out", "", { accept: [one.number] });
    button("Leave it in", "", { leave: [one.number] });
  } else {
    const state = document.createElement("span");
    state.className = one.state === "taken out" ? "mark out" : "mark";
    state.textContent = one.state;
    answers.append(state);
    if (one.state === "left in") button("Ask again", "plain", { reopen: [one.number] });
  }
  row.append(text, answers);
  return row;
}
found("see-proposals").addEventListener("click", () => proposals());

// --- voices
const sample = found("sample");
sample.volume = 0.5;
for (const row of document.querySelectorAll(".voice-row")) {
  const voice = row.querySelector(".voice");
  const hear = row.querySelector(".hear-voice");
  hear.addEventListener("click", async () => {
    if (!sample.paused) { sample.pause(); hear.textContent = "Hear it"; return; }
    sample.src = at(`sample/${encodeURIComponent(voice.value)}?speaker=${encodeURIComponent(voice.dataset.speaker)}`);
    say(found("voice-told"), "Making these seconds. It can take a minute.");
    try { await sample.play(); hear.textContent = "Stop"; say(found("voice-told"), ""); }
    catch { say(found("voice-told"), "There is nothing to hear yet: the words must be heard first.", "warn"); }
  });
  sample.addEventListener("ended", () => { hear.textContent = "Hear it"; });
  row.querySelector(".choose-voice").addEventListener("click", async () => {
    try {
      await post(at("voices"), { character: voice.value, speaker: voice.dataset.speaker });
      say(found("voice-told"), "Kept. Run it to make the new cut.", "ok");
      refresh();
    } catch (refused) { say(found("voice-told"), sorry(refused), "warn"); }
  });
}

// --- the link
const linkForm = found("link-form");
if (linkForm) {
  const who = found("who");
  const naming = () => { found("new-name").hidden = who.value !== ""; };
  who.addEventListener("change", naming);
  naming();
  linkForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = found("link-name").value.trim();
    if (!who.value && !name) {
      say(found("link-told"), "Write the name they chose.", "warn");
      return found("link-name").focus();
    }
    try {
      const { link } = await post(at("link"), { account: who.value, name, companion: linkForm.elements.namedItem("companion").checked });
      found("link").textContent = link;
      found("link-box").hidden = false;
      say(found("link-told"), "");
      return found("link-box").focus();
    } catch (refused) { return say(found("link-told"), sorry(refused), "warn"); }
  });
  found("copy").addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(found("link").textContent); say(found("link-told"), "Copied. Other programs on this computer can read what is copied.", "ok"); }
    catch { say(found("link-told"), "Copying is not allowed here; select the link and copy it by hand.", "warn"); }
  });
}

// --- what is written about it
noteRows();
seeing();
found("details").addEventListener("submit", async (event) => {
  event.preventDefault();
  try { await post(at("details"), details(event.target)); say(found("details-told"), "Kept.", "ok"); refresh(); }
  catch (refused) { say(found("details-told"), sorry(refused), "warn"); }
});
found("protecting").addEventListener("submit", async (event) => {
  event.preventDefault();
  const words = protectedWords(found("protect"));
  if (!words.length) return;
  try {
    const { protected: count } = await post(at("desk/protect"), { words });
    found("protect").value = "";
    found("protected").textContent = count;
    say(found("protect-told"), "Kept. The next run takes them out everywhere.", "ok");
    refresh();
  } catch (refused) { say(found("protect-told"), sorry(refused), "warn"); }
});
found("consenting").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const { code } = await post(at("consent"), { items: consents(event.target) });
    say(found("consent-told"), "Recorded.", "ok");
    receipt(code, location.pathname);
    found("onward").hidden = true;
    refresh();
  } catch (refused) { say(found("consent-told"), sorry(refused), "warn"); }
});
