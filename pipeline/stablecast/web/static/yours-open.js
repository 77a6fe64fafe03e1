// Opening the page with a link. The link's secret stands behind the "#", so no server's log and no history keeps it: it is taken
// out of the address at once, and used when the young person says so.

import { post } from "./api.js";
import { go } from "./leave.js";

const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const words = document.getElementById("words").dataset;
const ready = document.getElementById("ready");
const opening = document.getElementById("opening");
const problem = document.getElementById("problem");

function sorry(sentence) {
  opening.hidden = true;
  problem.textContent = sentence;
  problem.hidden = false;
}

if (!token && ready.dataset.opened) {
  go("/yours/listen");
} else if (!token) {
  ready.hidden = true;
  sorry(words.noLink);
}

for (const button of document.querySelectorAll("[data-with]")) {
  button.addEventListener("click", async () => {
    problem.hidden = true;
    ready.hidden = true;
    opening.hidden = false;
    try {
      await post("/yours/open", { token, companion: button.dataset.with === "beside" });
      sessionStorage.setItem("with", button.dataset.with);
      go("/yours/listen");
    } catch (refused) {
      if (refused.status === 0 || refused.status >= 500) ready.hidden = false;
      sorry(refused.status === 0 || refused.status >= 500 ? words.sorry : words.used);
    }
  });
}

/** For the language buttons: the page may be asked for again in another language while the link is still unused. */
window.stablecastToken = () => token;
