/**
 * The sound as a picture: the whole of it in a strip, a part of it larger, and on both what is taken out, doubted, proposed
 * and heard. It only repeats what the lists say, so that nothing depends on seeing it.
 */

import { clock, spoken } from "./review-text.js";

/**
 * @typedef {{kind: "out" | "waiting" | "left" | "doubt" | "proposal", start_s: number, end_s: number, number: number}} Region
 */

const NARROWEST_S = 4;
const RULER = 18; // CSS pixels
const EDGE = 7; // pixels at which an edge is caught; the buttons beside the list do the same in steps

/** Tells "seek" (seconds), "stretch" ([from, to], drawn with Shift), and "moved" ({number, start_s, end_s}). */
export class Wave extends EventTarget {
  /** @param {HTMLCanvasElement} canvas @param {HTMLCanvasElement} strip */
  constructor(canvas, strip) {
    super();
    this.canvas = canvas;
    this.strip = strip;
    /** @type {Uint8Array[]} the peaks, and the same ever coarser: each holds a quarter of the one before */
    this.levels = [];
    this.perSecond = 1;
    this.duration = 0;
    this.time = 0;
    this.from = 0;
    this.span = 30;
    /** @type {Region[]} */
    this.regions = [];
    /** @type {[number, number][]} */
    this.missing = [];
    /** @type {[number, number] | null} */
    this.loop = null;
    /** @type {number | null} the redaction whose edges can be dragged */
    this.held = null;
    this.drawn = 0;
    /** @type {Record<string, string>} */
    this.colours = {};
    this.#listen();
    this.recolour();
  }

  /** @param {number[]} peaks @param {number} perSecond */
  take(peaks, perSecond) {
    this.perSecond = perSecond;
    this.levels = [Uint8Array.from(peaks)];
    while (this.levels[this.levels.length - 1].length > 2000) {
      const fine = this.levels[this.levels.length - 1];
      const coarse = new Uint8Array(Math.ceil(fine.length / 4));
      for (let i = 0; i < fine.length; i += 1) if (fine[i] > coarse[i >> 2]) coarse[i >> 2] = fine[i];
      this.levels.push(coarse);
    }
    if (!this.duration) this.duration = peaks.length / perSecond;
    this.draw();
  }

  /** @param {number} time_s @param {boolean} playing */
  at(time_s, playing) {
    this.time = time_s;
    const off = time_s < this.from || time_s > this.from + this.span * (playing ? 0.95 : 1);
    if (off) this.from = this.#within(time_s - this.span * (playing ? 0.1 : 0.5));
    this.draw();
    if (!playing) this.#say();
  }

  /** @param {number} factor below 1: closer */
  zoom(factor) {
    const anchor = this.time >= this.from && this.time <= this.from + this.span ? this.time : this.from + this.span / 2;
    const share = (anchor - this.from) / this.span;
    this.span = Math.min(Math.max(this.duration, NARROWEST_S), Math.max(NARROWEST_S, this.span * factor));
    this.from = this.#within(anchor - share * this.span);
    this.draw();
  }

  /** Colours come from the style sheet, so that the picture follows light, dark and forced colours. */
  recolour() {
    const style = getComputedStyle(this.canvas);
    for (const name of ["ink", "soft", "line", "paper", "accent", "warn", "ok", "out", "out-wash", "warn-wash", "accent-wash", "wave"])
      this.colours[name] = style.getPropertyValue(`--${name}`).trim() || "CanvasText";
    this.draw();
  }

  draw() {
    if (this.drawn) return;
    this.drawn = requestAnimationFrame(() => {
      this.drawn = 0;
      this.#strip();
      this.#part();
    });
  }

  #strip() {
    const { context, width, height } = sized(this.strip);
    const x = (/** @type {number} */ time_s) => this.duration ? time_s / this.duration * width : 0;
    context.clearRect(0, 0, width, height);
    this.#bars(context, 0, this.duration, width, 0, height - 5, this.colours.soft);
    for (const region of this.regions) {
      context.fillStyle = this.colours[region.kind === "doubt" ? "warn" : region.kind === "proposal" ? "accent" : "out"];
      context.globalAlpha = 0.65;
      if (region.kind !== "left") context.fillRect(x(region.start_s), 0, Math.max(2, x(region.end_s) - x(region.start_s)), height - 5);
    }
    context.globalAlpha = 1;
    context.fillStyle = this.colours.ok; // what was heard; what was not is bare
    context.fillRect(0, height - 3, width, 3);
    for (const [start, end] of this.missing) context.clearRect(x(start), height - 4, Math.max(1.5, x(end) - x(start)), 4);
    context.strokeStyle = this.colours.accent;
    context.lineWidth = 2;
    context.strokeRect(x(this.from) + 1, 1, Math.max(6, x(this.from + this.span) - x(this.from)) - 2, height - 2);
    context.fillStyle = this.colours.ink;
    context.fillRect(x(this.time) - 1, 0, 2, height);
  }

  #part() {
    const { context, width, height } = sized(this.canvas);
    const x = (/** @type {number} */ time_s) => (time_s - this.from) / this.span * width;
    const bottom = height - RULER;
    context.clearRect(0, 0, width, height);
    if (this.loop) {
      context.fillStyle = this.colours["accent-wash"];
      context.fillRect(x(this.loop[0]), 0, x(this.loop[1]) - x(this.loop[0]), bottom);
    }
    const shown = this.regions.filter((region) => region.end_s >= this.from && region.start_s <= this.from + this.span);
    for (const region of shown) this.#region(context, region, x(region.start_s), Math.max(x(region.end_s), x(region.start_s) + 3), bottom, true);
    this.#bars(context, this.from, this.from + this.span, width, 2, bottom - 4, this.colours.wave);
    for (const region of shown) this.#region(context, region, x(region.start_s), Math.max(x(region.end_s), x(region.start_s) + 3), bottom, false);
    if (this.loop) {
      context.fillStyle = this.colours.accent;
      context.font = "600 11px system-ui, sans-serif";
      for (const [edge, name] of /** @type {[number, string][]} */ ([[this.loop[0], "A"], [this.loop[1], "B"]])) {
        context.fillRect(x(edge) - 1, 0, 2, bottom);
        context.fillText(name, x(edge) + 3, bottom - 4);
      }
    }
    this.#ruler(context, width, bottom, height);
    context.fillStyle = this.colours.ink;
    context.fillRect(x(this.time) - 1, 0, 2, bottom + 4);
    context.beginPath();
    context.moveTo(x(this.time) - 6, 0);
    context.lineTo(x(this.time) + 6, 0);
    context.lineTo(x(this.time), 8);
    context.fill();
  }

  /** @param {CanvasRenderingContext2D} context @param {number} from @param {number} to @param {number} width @param {number} top @param {number} height @param {string} colour */
  #bars(context, from, to, width, top, height, colour) {
    if (!this.levels.length || to <= from) return;
    const each = (to - from) * this.perSecond / width; // peaks a pixel
    let level = 0;
    while (level + 1 < this.levels.length && each / 4 ** (level + 1) >= 1) level += 1;
    const peaks = this.levels[level], rate = this.perSecond / 4 ** level, middle = top + height / 2;
    context.fillStyle = colour;
    for (let pixel = 0; pixel < width; pixel += 1) {
      const first = Math.floor((from + (to - from) * pixel / width) * rate);
      const last = Math.max(first, Math.ceil((from + (to - from) * (pixel + 1) / width) * rate) - 1);
      let peak = 0;
      for (let i = Math.max(0, first); i <= last && i < peaks.length; i += 1) if (peaks[i] > peak) peak = peaks[i];
      const tall = Math.max(0.5, peak / 127 * height / 2);
      if (first < peaks.length) context.fillRect(pixel, middle - tall, 0.8, tall * 2);
    }
  }

  /** A pattern of its own for every kind: the picture works without colour. @param {CanvasRenderingContext2D} context @param {Region} region @param {number} left @param {number} right @param {number} bottom @param {boolean} under */
  #region(context, region, left, right, bottom, under) {
    const { kind } = region, width = right - left;
    const colour = this.colours[kind === "doubt" ? "warn" : kind === "proposal" ? "accent" : "out"];
    if (under) {
      if (kind === "out" || kind === "waiting") {
        context.fillStyle = this.colours["out-wash"];
        context.fillRect(left, 0, width, bottom);
      }
      return;
    }
    context.save();
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = this.held === region.number && kind !== "doubt" && kind !== "proposal" ? 3 : 1.5;
    if (kind === "out" || kind === "waiting") {
      context.beginPath();
      context.rect(left, 0, width, bottom);
      context.save();
      context.clip();
      context.beginPath();
      for (let at = left - bottom; at < right; at += 9) { context.moveTo(at, bottom); context.lineTo(at + bottom, 0); }
      context.lineWidth = 1;
      context.stroke();
      context.restore();
    }
    if (kind === "waiting" || kind === "left") context.setLineDash([5, 4]);
    context.strokeRect(left + 0.75, 0.75, Math.max(1, width - 1.5), bottom - 1.5);
    context.setLineDash([]);
    context.font = "600 11px system-ui, sans-serif";
    const label = kind === "doubt" ? "?" : kind === "proposal" ? "!" : String(region.number);
    const wide = context.measureText(label).width + 8;
    context.fillRect(left, 0, wide, 15);
    context.fillStyle = this.colours.paper;
    context.fillText(label, left + 4, 11);
    if (this.held === region.number && kind !== "doubt" && kind !== "proposal") {
      context.fillStyle = colour;
      for (const edge of [left, right]) context.fillRect(edge - 3, bottom / 2 - 12, 6, 24);
    }
    context.restore();
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} bottom @param {number} height */
  #ruler(context, width, bottom, height) {
    const steps = [0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
    const step = steps.find((one) => one / this.span * width >= 64) ?? 3600;
    context.fillStyle = this.colours.soft;
    context.font = "11px system-ui, sans-serif";
    context.fillRect(0, bottom, width, 1);
    for (let time_s = Math.floor(this.from / step) * step; time_s <= this.from + this.span; time_s += step) {
      const x = (time_s - this.from) / this.span * width;
      context.fillRect(x, bottom, 1, 5);
      if (time_s <= this.duration) context.fillText(clock(time_s, step < 1), x + 3, height - 4);
    }
  }

  #listen() {
    const time = (/** @type {PointerEvent} */ event, /** @type {HTMLCanvasElement} */ canvas, /** @type {number} */ from, /** @type {number} */ span) => {
      const box = canvas.getBoundingClientRect();
      return Math.min(this.duration, Math.max(0, from + (event.clientX - box.left) / box.width * span));
    };
    /** @type {{kind: "seek" | "stretch" | "start" | "end", at: number} | null} */
    let drag = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.canvas.setPointerCapture(event.pointerId);
      const at = time(event, this.canvas, this.from, this.span);
      const edge = this.#edge(event);
      drag = { kind: event.shiftKey ? "stretch" : edge ?? "seek", at };
      if (drag.kind === "seek") this.#tell("seek", at);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const at = time(event, this.canvas, this.from, this.span);
      if (!drag) { this.canvas.style.cursor = this.#edge(event) ? "ew-resize" : ""; return; }
      if (drag.kind === "seek") this.#tell("seek", at);
      else if (drag.kind === "stretch") { this.loop = [Math.min(drag.at, at), Math.max(drag.at, at)]; this.draw(); }
      else {
        const region = this.#held();
        if (!region) return;
        if (drag.kind === "start") region.start_s = Math.min(at, region.end_s - 0.1);
        else region.end_s = Math.max(at, region.start_s + 0.1);
        this.draw();
      }
    });
    const done = () => {
      if (drag?.kind === "stretch" && this.loop) this.#tell("stretch", this.loop[1] - this.loop[0] > 0.05 ? this.loop : null);
      else if (drag && drag.kind !== "seek" && this.#held()) this.#tell("moved", { ...this.#held() });
      drag = null;
    };
    this.canvas.addEventListener("pointerup", done);
    this.canvas.addEventListener("pointercancel", done);
    this.canvas.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) this.zoom(event.deltaY > 0 ? 1.25 : 0.8);
      else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        this.from = this.#within(this.from + (event.deltaX || event.deltaY) / 500 * this.span);
        this.draw();
      } else return;
      event.preventDefault();
    }, { passive: false });
    let sliding = false;
    this.strip.addEventListener("pointerdown", (event) => {
      this.strip.setPointerCapture(event.pointerId);
      sliding = true;
      this.#tell("seek", time(event, this.strip, 0, this.duration));
    });
    this.strip.addEventListener("pointermove", (event) => { if (sliding) this.#tell("seek", time(event, this.strip, 0, this.duration)); });
    for (const name of ["pointerup", "pointercancel"]) this.strip.addEventListener(name, () => { sliding = false; });
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    new ResizeObserver(() => this.draw()).observe(this.strip);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"])
      matchMedia(query).addEventListener("change", () => this.recolour());
    this.canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: 10, PageDown: -10, ArrowUp: 1, ArrowDown: -1 };
      const step = event.altKey || event.ctrlKey || event.metaKey ? undefined : steps[/** @type {keyof typeof steps} */ (event.key)];
      const to = event.key === "Home" ? 0 : event.key === "End" ? this.duration : step === undefined ? null : this.time + step;
      if (to === null) return;
      event.preventDefault();
      event.stopPropagation();
      this.#tell("seek", to);
    });
    this.canvas.addEventListener("focus", () => this.#say());
  }

  #held() { return this.regions.find((region) => region.number === this.held && region.kind !== "doubt" && region.kind !== "proposal") ?? null; }

  /** @param {PointerEvent} event @returns {"start" | "end" | null} */
  #edge(event) {
    const region = this.#held();
    if (!region) return null;
    const box = this.canvas.getBoundingClientRect(), at = event.clientX - box.left;
    const x = (/** @type {number} */ time_s) => (time_s - this.from) / this.span * box.width;
    if (Math.abs(at - x(region.start_s)) <= EDGE) return "start";
    return Math.abs(at - x(region.end_s)) <= EDGE ? "end" : null;
  }

  /** @param {number} from */
  #within(from) { return Math.max(0, Math.min(from, this.duration - this.span)); }

  #say() {
    this.canvas.setAttribute("aria-valuemax", String(Math.round(this.duration)));
    this.canvas.setAttribute("aria-valuenow", String(Math.round(this.time)));
    this.canvas.setAttribute("aria-valuetext", `${spoken(this.time)} of ${spoken(this.duration)}`);
  }

  /** @param {string} name @param {unknown} detail */
  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }
}

/** @param {HTMLCanvasElement} canvas */
function sized(canvas) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width, height };
}
