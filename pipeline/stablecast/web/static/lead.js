// The lead: listens, answers the risk form, says yes or sends back; holds, lifts and withdraws in one step.

import { clock, post, say } from "./api.js";
import { Player } from "./player.js";

const found = (id) => document.getElementById(id);
const page = document.body.dataset;
const at = (path) => `/episodes/${encodeURIComponent(page.episode)}/${path}`;
const sorry = (refused) => refused.message || "That did not work. Try again.";

for (const action of ["hold", "lift", "withdraw"]) {
  found(action)?.addEventListener("click", async (event) => {
    event.currentTarget.disabled = true;
    try {
      await post(at(action));
      location.reload();
    } catch (refused) {
      found(action).disabled = false;
      say(found("told"), sorry(refused), "warn");
      found("told").focus();
    }
  });
}

if (page.digest) {
  const sound = found("sound");
  const player = new Player(sound);
  player.rollsBack = false;
  let missing = [[0, Number(page.whole)]];
  const place = Number(page.place);
  sound.addEventListener("loadedmetadata", () => { if (place > 0 && place < Number(page.whole) - 1) player.seek(place); }, { once: true });

  const tell = (view) => {
    missing = view.missing;
    found("share").value = view.share;
    found("share-words").textContent = view.enough ? "You have heard enough of it" : `You have heard ${Math.floor(view.share * 100)} %`;
    found("missing").disabled = !missing.length;
  };
  const report = async (stretches) => {
    try { tell(await post(at("heard"), { digest: page.digest, stretches })); } catch (refused) { if (refused.status === 409) say(found("told"), sorry(refused), "warn"); }
  };
  player.addEventListener("heard", (event) => report(event.detail));
  sound.addEventListener("pause", () => post(at("place"), { digest: page.digest, place_s: player.time }).catch(() => {}));
  report([]);
  found("back").addEventListener("click", () => player.skip(-10));
  found("speed").addEventListener("change", (event) => player.setSpeed(Number(event.target.value)));
  found("missing").addEventListener("click", () => {
    const next = missing.find(([, end]) => end > player.time + 0.5) ?? missing[0];
    if (next) { player.playFrom(next[0]); say(found("told"), `From ${clock(next[0])}.`); }
  });
  const lines = [...document.querySelectorAll("#lines li")];
  let current = null;
  player.addEventListener("time", () => {
    const line = lines.findLast((one) => Number(one.dataset.start) <= player.time + 0.05);
    if (line === current) return;
    current?.classList.remove("now");
    line?.classList.add("now");
    current = line;
  });
  for (const line of lines) line.querySelector("button").addEventListener("click", () => player.playFrom(Number(line.dataset.start)));
}

const form = found("risk");
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const told = found("risk-told");
  const no = (sentence, field) => {
    told.textContent = sentence;
    told.hidden = false;
    (field ?? told).focus();
  };
  const answers = {};
  for (const box of form.querySelectorAll(".risk")) {
    const key = box.id.slice(5);
    const choice = box.querySelector("input:checked")?.value;
    const note = box.querySelector("textarea").value.trim();
    const question = box.querySelector("legend").textContent;
    if (box.querySelector("input") && !choice) return no(`Answer this as well: ${question}`, box.querySelector("input"));
    if ((choice === "yes" || key === "support") && !note) return no(`Write what to know about it: ${question}`, box.querySelector("textarea"));
    answers[key] = [choice, note].filter(Boolean).join(": ");
  }
  try {
    await post(at("lead/approve"), { digest: page.digest, answers });
    return location.reload();
  } catch (refused) { return no(sorry(refused)); }
});

found("send-back")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const reason = found("reason").value.trim();
  if (!reason) {
    say(found("back-told"), "Write what has to change.", "warn");
    return found("reason").focus();
  }
  try {
    await post(at("lead/send-back"), { digest: page.digest, reason });
    return location.reload();
  } catch (refused) { return say(found("back-told"), sorry(refused), "warn"); }
});
