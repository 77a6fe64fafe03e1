/** Tabs as WAI-ARIA describes them: one of them is reached by Tab, the arrows lead to the others. */

/** @param {HTMLElement} bar with role=tablist; each tab names its panel in aria-controls */
export function tabs(bar) {
  const all = /** @type {HTMLElement[]} */ ([...bar.querySelectorAll("[role=tab]")]);
  /** @param {HTMLElement} tab @param {boolean} [focus] */
  const open = (tab, focus = false) => {
    for (const one of all) {
      const chosen = one === tab;
      one.setAttribute("aria-selected", String(chosen));
      one.tabIndex = chosen ? 0 : -1;
      const panel = document.getElementById(one.getAttribute("aria-controls") ?? "");
      if (panel) panel.hidden = !chosen;
    }
    if (focus) tab.focus();
  };
  bar.addEventListener("click", (event) => {
    const tab = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[role=tab]"));
    if (tab) open(tab);
  });
  bar.addEventListener("keydown", (event) => {
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0 || event.altKey || event.ctrlKey) return;
    event.preventDefault();
    open(all[(to + all.length) % all.length], true);
  });
  return { open: (/** @type {string} */ name, focus = false) => { const tab = all.find((one) => one.dataset.tab === name); if (tab) open(tab, focus); } };
}
