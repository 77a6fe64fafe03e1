// The same seconds in every voice. Nothing plays by itself, and everything begins quietly.

import { post, say } from "./api.js";
import "./leave.js";

const QUIET = 0.35;
const form = document.getElementById("voices");
if (form) {
  const words = document.getElementById("words").dataset;
  const told = document.getElementById("told");
  const sound = document.getElementById("sample");
  const buttons = [...form.querySelectorAll(".hear")];
  let playing = null;
  sound.volume = QUIET;

  const label = (button, text) => {
    button.textContent = text;
    button.setAttribute("aria-label", `${text}: ${button.dataset.name}`);
  };
  const stopped = () => {
    if (playing) {
      label(playing, words.hear);
      playing.setAttribute("aria-pressed", "false");
    }
    playing = null;
  };

  for (const button of buttons) {
    button.addEventListener("click", async () => {
      const again = playing === button;
      sound.pause();
      stopped();
      if (again) return;
      playing = button;
      button.setAttribute("aria-pressed", "true");
      label(button, words.stop);
      const speaker = form.dataset.speaker;
      sound.src = `/yours/sample/${encodeURIComponent(button.dataset.character)}?speaker=${encodeURIComponent(speaker)}`;
      const slow = setTimeout(() => say(told, words.making), 400);
      try {
        await sound.play();
        say(told, "");
      } catch (stop) {
        if (stop.name !== "AbortError") {
          say(told, words.sorry, "warn");
          stopped();
        }
      } finally {
        clearTimeout(slow);
      }
    });
  }
  sound.addEventListener("ended", stopped);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const chosen = form.elements.namedItem("character").value;
    if (!chosen) return;
    try {
      await post("/yours/voice", { character: chosen, speaker: form.dataset.speaker });
      const name = buttons.find((button) => button.dataset.character === chosen).dataset.name;
      say(told, `${words.saved.replace("{name}", name)} ${words.again}`, "ok");
    } catch {
      say(told, words.sorry, "warn");
    }
  });
}
