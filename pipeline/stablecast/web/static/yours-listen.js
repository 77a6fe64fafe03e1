// Hearing, reading along, and taking out.

import { Refused, clock, post, say } from "./api.js";
import { go } from "./leave.js";
import { Player } from "./player.js";

const SPEEDS = [0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.4];
const BACK_S = 10;
const SAVE_EVERY_S = 5;
const found = (id) => document.getElementById(id);

const page = document.body.dataset;
if (page.digest) start();

function start() {
  const words = found("words").dataset;
  const told = found("told");
  const sound = found("sound");
  const player = new Player(sound);
  const digest = page.digest;
  const whole = Number(page.whole);
  const lines = [...document.querySelectorAll(".line")].map((row) => ({
    row, start: Number(row.dataset.start), end: Number(row.dataset.end), here: row.querySelector(".here"), cut: row.querySelector(".cut"),
  }));
  let mine = JSON.parse(words.mine);
  let saved = Number(page.place);
  let current = null;

  const problem = (refused) => say(told, refused instanceof Refused && refused.status === 409 && refused.answer.replaced ? words.replaced : words.sorry, "warn");

  // --- with somebody, or alone
  const company = found("company");
  const sentence = company.dataset[sessionStorage.getItem("with") ?? ""];
  if (sentence) { company.textContent = sentence; company.hidden = false; }

  // --- the sound
  const wanted = saved;
  sound.volume = 0.35;
  player.rollsBack = false;
  const arrive = () => { if (wanted > 0 && wanted < whole - 1) player.seek(wanted); };
  if (sound.readyState > 0) arrive(); else sound.addEventListener("loadedmetadata", arrive, { once: true });

  const plays = [found("play"), document.querySelector('[data-for="play"]')];
  for (const button of document.querySelectorAll("#dock button")) button.addEventListener("click", () => found(button.dataset.for).click());
  new IntersectionObserver(([seen]) => {
    const dock = found("dock");
    if (seen.isIntersecting && dock.contains(document.activeElement)) found(document.activeElement.dataset.for).focus();
    dock.hidden = seen.isIntersecting;
  }).observe(found("player").querySelector(".main"));

  const place = found("place");
  const show = () => {
    const now = player.time;
    const text = clock(now);
    if (found("now").textContent !== text) {
      found("now").textContent = text;
      if (document.activeElement !== place || player.playing) place.value = String(Math.floor(now));
      place.setAttribute("aria-valuetext", words.at.replace("{now}", text).replace("{whole}", clock(whole)));
    }
    for (const button of plays) button.textContent = player.playing ? words.pause : words.play;
    follow(now);
  };
  found("whole").textContent = clock(whole);
  found("now").textContent = clock(wanted);
  place.setAttribute("aria-valuetext", words.at.replace("{now}", clock(wanted)).replace("{whole}", clock(whole)));
  player.addEventListener("time", show);
  player.addEventListener("state", show);
  sound.addEventListener("error", () => say(told, words.noSound, "warn"));

  found("play").addEventListener("click", () => player.toggle());
  found("back").addEventListener("click", () => player.skip(-BACK_S));
  place.addEventListener("input", () => player.seek(Number(place.value)));
  found("volume").addEventListener("input", (event) => { sound.volume = event.target.value / 100; });
  const speed = (step) => {
    const at = SPEEDS.findIndex((one) => one >= player.speed - 0.01);
    player.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + step))]);
    found("speed").textContent = words.speed.replace("{speed}", new Intl.NumberFormat(document.documentElement.lang).format(player.speed));
  };
  found("slower").addEventListener("click", () => speed(-1));
  found("faster").addEventListener("click", () => speed(1));

  // --- the place, and what was heard
  const keep = async (last = false) => {
    if (Math.abs(player.time - saved) < 0.5) return;
    saved = player.time;
    await post("/yours/place", { digest, place_s: saved }, { last }).catch(() => {});
  };
  player.addEventListener("time", () => { if (Math.abs(player.time - saved) >= SAVE_EVERY_S) keep(); });
  sound.addEventListener("pause", () => keep());
  sound.addEventListener("seeked", () => { if (!player.playing) keep(); });
  addEventListener("pagehide", () => { player.report(); keep(true); });
  player.addEventListener("heard", (event) => { post("/yours/heard", { digest, stretches: event.detail }, { last: true }).catch(() => {}); });

  found("rest").addEventListener("click", () => {
    player.pause();
    keep();
    const text = found("resting-text");
    text.textContent = text.dataset.text.replace("{now}", clock(player.time));
    found("resting").hidden = false;
    found("resting").focus();
  });
  found("carry-on").addEventListener("click", () => {
    found("resting").hidden = true;
    found("play").focus();
  });
  found("lock").addEventListener("click", async () => {
    try {
      await keep();
      await post("/yours/lock");
      go(document.getElementById("leave").href);
    } catch (refused) { problem(refused); }
  });

  // --- the words
  const at = (time) => lines.findLast((line) => line.start <= time + 0.05) ?? lines[0];
  function follow(time) {
    const line = at(time);
    if (line === current || !line) return;
    current?.row.classList.remove("now");
    current?.here.removeAttribute("aria-current");
    current = line;
    line.row.classList.add("now");
    line.here.setAttribute("aria-current", "true");
    if (found("follow").checked && player.playing && !lines.some((one) => one.row.contains(document.activeElement)))
      nudge(line.row);
  }
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  function nudge(row) {
    const { top, bottom } = row.getBoundingClientRect();
    const list = found("lines").getBoundingClientRect();
    if (list.top > innerHeight * 0.8 || list.bottom < 0) return; // somebody looks at another part of the page
    if (top < innerHeight * 0.2 || bottom > innerHeight * 0.7) row.scrollIntoView({ block: "center", behavior: calm ? "instant" : "smooth" });
  }

  const marked = (line) => mine.find((mark) => mark.start_s < line.end - 0.05 && mark.end_s > line.start + 0.05);
  const list = () => {
    for (const line of lines) {
      const mark = marked(line);
      line.row.classList.toggle("out", Boolean(mark));
      line.cut.textContent = mark ? words.putBack : words.outLine;
    }
    const rows = mine.map((mark) => {
      const row = document.createElement("li");
      row.className = "row apart";
      const text = document.createElement("span");
      text.className = "grow";
      const when = document.createElement("strong");
      when.textContent = words.fromTo.replace("{start}", clock(mark.start_s)).replace("{end}", clock(mark.end_s));
      const what = document.createElement("bdi");
      what.textContent = lines.filter((line) => mark.start_s < line.end - 0.05 && mark.end_s > line.start + 0.05).map((line) => line.here.textContent.trim()).join(" ");
      text.append(when, document.createElement("br"), what);
      const undo = document.createElement("button");
      undo.type = "button";
      undo.textContent = words.putBack;
      undo.setAttribute("aria-label", `${words.putBack}: ${when.textContent}`);
      undo.addEventListener("click", async () => { await putBack(mark); found("list-title").scrollIntoView({ block: "nearest" }); });
      row.append(text, undo);
      return row;
    });
    found("mine").replaceChildren(...rows);
    found("none").hidden = mine.length > 0;
    found("next-version").hidden = !mine.length;
  };
  const takeOut = async (line) => {
    try {
      mine = (await post("/yours/mark", { digest, start_s: line.start, end_s: line.end })).mine;
      list();
      say(told, words.marked, "out");
    } catch (refused) { problem(refused); }
  };
  const putBack = async (mark) => {
    try {
      mine = (await post("/yours/unmark", { digest, number: mark.number, version: mark.version })).mine;
      list();
      say(told, words.unmarked);
    } catch (refused) { problem(refused); }
  };
  for (const line of lines) {
    line.here.addEventListener("click", () => player.playFrom(line.start));
    line.cut.addEventListener("click", () => { const mark = marked(line); if (mark) putBack(mark); else takeOut(line); });
  }
  found("take").addEventListener("click", () => { const line = at(player.time); if (line && !marked(line)) takeOut(line); });

  list();
  follow(wanted);
}
