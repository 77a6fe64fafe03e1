// The code that stops an episode: shown once, in fours, to be written down or printed.

import { post, say } from "./api.js";
import "./leave.js";

const words = document.getElementById("words").dataset;
const found = (id) => document.getElementById(id);

found("new").addEventListener("click", async () => {
  try {
    const { code } = await post("/yours/receipt");
    const groups = code.split(/\s+/).map((group) => {
      const part = document.createElement("span");
      part.textContent = group;
      return part;
    });
    found("code").replaceChildren(...groups.flatMap((group) => [group, " "]));
    found("card").setAttribute("aria-label", `${words.your}: ${code}`);
    found("card").setAttribute("role", "group");
    for (const id of ["card", "once", "print"]) found(id).hidden = false;
    for (const id of ["new", "old"]) found(id).hidden = true;
    say(found("told"), "");
    found("card").focus();
  } catch {
    say(found("told"), words.sorry, "warn");
  }
});
found("print").addEventListener("click", () => print());
