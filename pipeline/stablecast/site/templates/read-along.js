// Follow the words with the sound, and play from a line. The page is whole without it; it asks for nothing and keeps nothing.
(() => {
  "use strict";
  const audio = document.querySelector("audio");
  const first = document.querySelector(".transcript");
  if (!audio || !first) return;

  const tracks = [...document.querySelectorAll(".transcript")].map((section) =>
    [...section.querySelectorAll("[data-t]")].map((line) => ({ line, start: Number(line.dataset.t) })));
  const now = tracks.map(() => null);

  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const follow = document.createElement("input");
  follow.type = "checkbox";
  follow.checked = !calm.matches;
  const label = document.createElement("label");
  label.className = "follow";
  label.append(follow, ` ${first.dataset.follow}`);
  audio.after(label);
  audio.parentElement.classList.add("stays");
  document.documentElement.classList.add("scripted");

  const play = (start) => {
    const go = () => {
      audio.currentTime = start;
      audio.play().catch(() => {});
    };
    if (audio.readyState >= 1) return go();
    audio.addEventListener("loadedmetadata", go, { once: true });
    audio.load();
  };

  const clock = (seconds) => {
    const part = (number) => String(number).padStart(2, "0");
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)];
    return h ? `${h}:${part(m)}:${part(s)}` : `${m}:${part(s)}`;
  };

  // One button a paragraph is enough for the keyboard; a stop at every line would be a long way to the downloads.
  for (const paragraph of document.querySelectorAll(".transcript p")) {
    const line = paragraph.querySelector("[data-t]");
    if (!line) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = clock(Number(line.dataset.t));
    button.setAttribute("aria-label", `${first.dataset.play} ${button.textContent}`);
    button.lang = document.documentElement.lang;
    button.dataset.play = line.dataset.t;
    const speaker = paragraph.querySelector("b");
    if (speaker) speaker.append(" ", button);
    else paragraph.prepend(button);
  }

  document.addEventListener("click", (event) => {
    const at = event.target.closest(".transcript [data-t], .transcript [data-play]");
    if (!at || String(getSelection())) return; // who marks words wants to copy them
    play(Number(at.dataset.t ?? at.dataset.play));
  });

  const show = () => {
    tracks.forEach((lines, number) => {
      const time = audio.currentTime + 0.05; // a seek may land a hair before its line
      let low = 0, high = lines.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (lines[middle].start <= time) low = middle + 1;
        else high = middle;
      }
      const line = low ? lines[low - 1].line : null;
      if (line === now[number]) return;
      now[number]?.removeAttribute("aria-current");
      line?.setAttribute("aria-current", "true");
      now[number] = line;
      if (line && number === 0 && follow.checked && !audio.paused) {
        line.scrollIntoView({ block: "center", behavior: calm.matches ? "auto" : "smooth" });
      }
    });
  };
  for (const name of ["timeupdate", "seeked", "play"]) audio.addEventListener(name, show);

  // Whoever scrolls wants to be somewhere else.
  for (const name of ["wheel", "touchmove"]) {
    addEventListener(name, () => { if (!audio.paused) follow.checked = false; }, { passive: true });
  }
})();
