// The board, alive: how runs go, and every card anew when a run is over.

import { drawRun, drawn, listenTo, stageWords } from "./stages.js";

const lanes = document.getElementById("lanes");
const told = document.getElementById("told");
let again = null;

function show(run) {
  const card = lanes.querySelector(`[data-episode="${CSS.escape(run.episode)}"]`);
  if (!card) return refresh();
  if (run.event === "ended") return refresh();
  const going = card.querySelector(".going");
  drawRun(going, run);
  going.querySelector(".stage").textContent = run.event === "failed" ? run.sentence : run.stage ? stageWords(run.stage) : "Waiting for its turn";
  return undefined;
}

function refresh() {
  clearTimeout(again);
  again = setTimeout(async () => {
    try {
      const fresh = await drawn("/board");
      const focused = document.activeElement?.closest?.("[data-episode]")?.dataset.episode;
      lanes.replaceChildren(...fresh.getElementById("lanes").children);
      wording();
      if (focused) lanes.querySelector(`[data-episode="${CSS.escape(focused)}"] a`)?.focus();
      told.className = "unseen";
      told.hidden = false;
      told.textContent = "The board is up to date.";
    } catch { /* the next event asks again */ }
  }, 150);
}

function wording() {
  for (const stage of lanes.querySelectorAll(".going:not([hidden]) .stage")) stage.textContent = stageWords(stage.textContent);
}

wording();
listenTo("/board/events", { progress: show, changed: refresh });
