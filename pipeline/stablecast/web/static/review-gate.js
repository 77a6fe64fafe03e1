/** The gate: which cut this is, what of it was heard, and the yes that belongs to exactly these bytes. */

import { get, post } from "./review-api.js";
import { by, clock, count, make } from "./review-text.js";

const MOST_GAPS = 12;

/**
 * @typedef {{role: string, at: string}} Approval
 * @typedef {{share: number, enough: boolean, missing: [number, number][], place_s: number}} Heard
 * @typedef {{digest: string, short: string, changed: string[], approvals: Approval[]}} Cut
 * @typedef {{cut: Cut | null, heard: Heard | null, gate: {name: string, reason: string | null, next: string} | null, wishes: {by: string, note: string, at: string}[], held: boolean, waiting: number, running: boolean, sentence: string}} Told
 */

export class Gate extends EventTarget {
  /** @param {{digest: string, reviewer: boolean, unsaved: () => boolean, changed: () => boolean}} page */
  constructor(page) {
    super();
    this.page = page;
    /** @type {Told | null} */
    this.told = null;
    /** @type {Heard | null} */
    this.heard = null;
    this.panel = by("panel-gate");
    this.reason = by("gate-reason");
    this.button = /** @type {HTMLButtonElement | null} */ (document.getElementById("approve"));
    this.boxes = /** @type {HTMLInputElement[]} */ ([...this.panel.querySelectorAll("input[data-check]")]);
    for (const box of this.boxes) box.addEventListener("change", () => this.show());
    this.button?.addEventListener("click", () => void this.#approve());
    const back = document.getElementById("send-back");
    back?.addEventListener("submit", (event) => { event.preventDefault(); void this.#sendBack(/** @type {HTMLFormElement} */ (back)); });
  }

  async refresh() {
    this.take(await get("cut"));
  }

  /** @param {Told} told */
  take(told) {
    this.told = told;
    if (told.heard && told.cut?.digest === this.page.digest) this.hear(told.heard);
    else this.show();
    this.dispatchEvent(new Event("looked"));
  }

  /** @param {Heard} heard */
  hear(heard) {
    this.heard = heard;
    const meter = /** @type {HTMLProgressElement} */ (by("heard-meter"));
    const percent = Math.floor(heard.share * 100 + 1e-6);
    meter.value = heard.share;
    by("heard-share").textContent = by("heard-tab").textContent = `${percent} %`;
    const gaps = by("heard-gaps");
    const missing = heard.missing.filter(([start, end]) => end - start >= 0.05);
    gaps.replaceChildren(...missing.slice(0, MOST_GAPS).map(([start, end]) => make("li", {},
      make("button", { type: "button", class: "little", "data-hear": start, "aria-label": `Not heard yet: ${clock(start)} to ${clock(end)}. Play from there` }, `${clock(start)}–${clock(end)}`))),
      ...(missing.length > MOST_GAPS ? [make("li", { class: "soft" }, `and ${count(missing.length - MOST_GAPS, "more place")}`)] : []));
    by("heard-left").textContent = missing.length
      ? (heard.enough ? "Enough was heard. What was not:" : "Not heard yet:") : "You have heard all of it.";
    this.dispatchEvent(new CustomEvent("missing", { detail: missing }));
    this.show();
  }

  /** Why the button is closed, in words; "" where it is open. */
  why() {
    const told = this.told;
    if (!told) return "Looking at the cut …";
    if (!told.cut || !this.page.digest) return "There is no finished cut to say yes to yet.";
    if (told.cut.digest !== this.page.digest) return "There is a newer cut than the one on this page. Open it first.";
    if (told.cut.approvals.some((one) => one.role === "reviewer")) return "The reviewer has said yes to this cut.";
    if (told.held) return "This episode is on hold. Nothing can be approved until the safeguarding lead lifts it.";
    if (told.wishes.length) return "Somebody asked for a change to this cut. It needs a new cut first.";
    if (this.page.unsaved()) return "Something you typed is not saved yet.";
    if (told.waiting || this.page.changed()) return "There are changes that are not in this cut yet. Make the new cut first.";
    if (told.gate && told.gate.name !== "reviewer") return told.gate.reason ? `Not yet: ${told.gate.reason}.` : "Somebody else comes first.";
    if (told.gate?.reason) return `Not yet: ${told.gate.reason}.`;
    if (!this.heard?.enough) return "Hear the whole cut first, at twice the speed or less.";
    const open = this.boxes.filter((box) => !box.checked).length;
    return open ? `Go through the list first: ${count(open, "point")} left.` : "";
  }

  show() {
    const why = this.why(), done = this.told?.cut?.approvals.some((one) => one.role === "reviewer");
    if (this.reason.textContent !== (why || "Ready. This yes is for exactly the bytes this page played.")) this.reason.textContent = why || "Ready. This yes is for exactly the bytes this page played.";
    this.reason.classList.toggle("ok", !why || Boolean(done));
    // Stays reachable while closed, so that whoever tabs to it hears why.
    this.button?.setAttribute("aria-disabled", String(Boolean(why)));
    this.#approvals();
  }

  #approvals() {
    const roles = [["young-person", "Young person"], ["reviewer", "Reviewer"], ["lead", "Safeguarding lead"]];
    const said = this.told?.cut?.approvals ?? [];
    by("approvals").replaceChildren(...roles.map(([role, name]) => {
      const yes = said.find((one) => one.role === role);
      return make("li", { class: yes ? "yes" : "" }, make("span", { "aria-hidden": "true" }, yes ? "✓" : "○"), ` ${name}: ${yes ? "said yes" : "not yet"}`);
    }));
  }

  async #approve() {
    if (this.why()) { this.reason.focus(); return; }
    const form = Object.fromEntries(this.boxes.map((box) => [box.dataset.check, "yes"]));
    try {
      await post("review/approve", { digest: this.page.digest, form });
      this.#tell("said", "You said yes to this cut. The safeguarding lead is next.");
    } catch (refused) {
      this.#tell("problem", /** @type {Error} */ (refused).message);
    }
    await this.refresh();
  }

  /** @param {HTMLFormElement} form */
  async #sendBack(form) {
    const reason = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("reason"));
    if (!reason.value.trim()) { reason.setAttribute("aria-invalid", "true"); reason.focus(); this.#tell("problem", "Say in a sentence what should change."); return; }
    reason.removeAttribute("aria-invalid");
    try {
      await post("review/send-back", { digest: this.page.digest, reason: reason.value.trim() });
      reason.value = "";
      /** @type {HTMLDetailsElement} */ (form.closest("details")).open = false;
      this.#tell("said", "Sent back. This cut cannot be approved any more; the producer sees your reason.");
    } catch (refused) {
      this.#tell("problem", /** @type {Error} */ (refused).message);
    }
    await this.refresh();
  }

  /** @param {string} name @param {string} sentence */
  #tell(name, sentence) { this.dispatchEvent(new CustomEvent(name, { detail: sentence })); }
}
