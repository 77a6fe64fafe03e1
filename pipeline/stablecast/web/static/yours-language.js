// The language of the page, chosen by name and kept by the server in a cookie.

import { post } from "./api.js";
import { go } from "./leave.js";

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", async () => {
    await post("/yours/language", { language: button.dataset.language }).catch(() => {});
    const token = window.stablecastToken?.(); // the opening page may still hold a link that is not used yet
    go(token ? `${location.pathname}?again#${token}` : location.pathname);
  });
}
