// Yes, change, wait, stop. Each is one press; only a yes asks a question first, because it is the one that shares something.

import { post } from "./api.js";
import { go } from "./leave.js";

const form = document.getElementById("answer");
document.getElementById("done")?.focus();

if (form) {
  const words = document.getElementById("words").dataset;
  const told = document.getElementById("told");
  const tell = (look, ...sentences) => {
    told.className = `note ${look}`;
    told.replaceChildren(...sentences.map((sentence, number) => {
      const line = document.createElement(sentences.length > 1 && number === 0 ? "h3" : "p");
      line.textContent = sentence;
      return line;
    }));
    told.hidden = false;
    told.focus();
  };
  const chosen = (name) => form.querySelector(`[name="${name}"]:checked`)?.value ?? "";

  document.getElementById("answer-change")?.addEventListener("click", (event) => {
    const more = document.getElementById("change");
    more.hidden = !more.hidden;
    event.currentTarget.setAttribute("aria-expanded", String(!more.hidden));
    if (!more.hidden) document.getElementById("note").focus();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = event.submitter?.value;
    if (!answer) return;
    const digest = document.body.dataset.digest ?? "";
    const data = { digest };
    if (answer === "yes") {
      Object.assign(data, { known: chosen("known"), how: chosen("how") });
      if (!data.known || !data.how) {
        tell("warn", words.please);
        form.querySelector("#afraid input").focus({ preventScroll: false });
        return;
      }
      if (data.known === "unsure" || data.known === "yes") {
        // the server says no as well; nothing is sent, so nothing of the answer is kept
        document.getElementById("answer-yes").hidden = true;
        tell("accent", words.talkTitle, words.talk, words.talkThen);
        return;
      }
    }
    if (answer === "change") data.note = document.getElementById("note").value;
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
    try {
      const { go: next } = await post(`/yours/${answer}`, data);
      go(next);
    } catch (refused) {
      if (refused.answer?.talk) tell("accent", words.talkTitle, words.talk, words.talkThen);
      else tell("warn", refused.answer?.replaced ? words.replaced : words.sorry);
    } finally {
      for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-busy");
    }
  });

  for (const input of form.querySelectorAll('[name="known"]'))
    input.addEventListener("change", () => {
      document.getElementById("answer-yes").hidden = false;
      told.hidden = true;
    });
}
