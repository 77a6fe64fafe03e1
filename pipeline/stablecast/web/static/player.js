/**
 * The sound of a cut: playing, and what of it was really heard. Shared by everybody who listens to a cut.
 *
 * A stretch counts as heard only while sound comes out: playing, not muted, at most twice as fast. A jump never counts.
 */

export const SKIP_S = 5;
export const ROLL_BACK_S = 1;
export const SLOWEST = 0.5;
export const FASTEST = 2.5;
export const COUNTS_UP_TO = 2; // times the speed of speech; faster is skimming, not hearing
const SLACK_S = 0.3; // the clock of the sound and the clock of the page may differ by this much between two looks
const REPORT_MS = 4000;

/** @typedef {[number, number]} Stretch  from and to, in seconds of the finished file */

/**
 * The stretches in order, without overlap; what lies closer than a tenth of a second is one.
 * @param {Stretch[]} stretches
 * @returns {Stretch[]}
 */
export function merged(stretches) {
  /** @type {Stretch[]} */
  const whole = [];
  for (const [start, end] of [...stretches].sort((a, b) => a[0] - b[0])) {
    const last = whole.at(-1);
    if (last && start <= last[1] + 0.1) last[1] = Math.max(last[1], end);
    else whole.push([start, end]);
  }
  return whole;
}

/** Tells "time" several times a second, "state" when it starts, stops or changes speed, and "heard" with what was heard. */
export class Player extends EventTarget {
  /** @param {HTMLAudioElement} audio */
  constructor(audio) {
    super();
    this.audio = audio;
    this.rollsBack = true;
    /** @type {number | null} */
    this.stopsAt = null;
    /** @type {Stretch | null} a stretch that is played again and again */
    this.loop = null;
    /** @type {Stretch[]} */
    this.unreported = [];
    this.moved = true; // since it last stopped
    /** @type {{time: number, clock: number} | null} */
    this.look = null;
    for (const name of ["play", "pause", "ratechange", "ended", "waiting", "playing", "error"])
      audio.addEventListener(name, () => this.#changed(name));
    audio.addEventListener("seeking", () => { this.look = null; });
    audio.addEventListener("seeked", () => this.#tell("time"));
    audio.addEventListener("timeupdate", () => this.#looked());
    audio.addEventListener("loadedmetadata", () => this.#tell("state"));
    setInterval(() => this.report(), REPORT_MS);
  }

  get time() { return this.audio.currentTime; }
  get duration() { return Number.isFinite(this.audio.duration) ? this.audio.duration : 0; }
  get playing() { return !this.audio.paused && !this.audio.ended; }
  get speed() { return this.audio.playbackRate; }

  async play() {
    if (this.rollsBack && !this.moved) this.#to(this.time - ROLL_BACK_S);
    if (this.audio.ended) this.#to(0);
    try {
      await this.audio.play();
    } catch (refused) {
      // A pause that follows at once, or a file that does not come: the "error" event tells the second.
      if (refused instanceof DOMException && refused.name === "NotAllowedError") this.#tell("state");
    }
  }

  pause() { this.audio.pause(); }

  toggle() {
    this.stopsAt = null;
    if (this.playing) this.pause();
    else void this.play();
  }

  /** @param {number} time_s */
  seek(time_s) {
    this.stopsAt = null;
    this.#to(time_s);
    this.moved = true;
  }

  /** @param {number} seconds */
  skip(seconds) { this.seek(this.time + seconds); }

  /** Play from here; with an end, only until there. @param {number} from_s @param {number | null} [to_s] */
  playFrom(from_s, to_s = null) {
    this.seek(from_s);
    this.stopsAt = to_s;
    void this.play();
  }

  /** @param {number} times */
  setSpeed(times) {
    const rounded = Math.round(times * 10) / 10;
    this.audio.playbackRate = this.audio.defaultPlaybackRate = Math.min(FASTEST, Math.max(SLOWEST, rounded));
  }

  /** Hand over what was heard since the last time. */
  report() {
    if (!this.unreported.length) return;
    const heard = merged(this.unreported);
    this.unreported = [];
    this.dispatchEvent(new CustomEvent("heard", { detail: heard }));
  }

  /** @param {number} time_s */
  #to(time_s) {
    this.look = null;
    this.audio.currentTime = Math.max(0, this.duration ? Math.min(time_s, this.duration) : time_s);
    this.#tell("time");
  }

  /** @param {string} name */
  #changed(name) {
    this.#looked();
    if (name === "play") {
      this.moved = false;
      requestAnimationFrame(() => this.#frame());
    }
    if (name === "pause" || name === "ended") this.report();
    this.#tell("state");
  }

  #frame() {
    if (!this.playing) return;
    this.#looked();
    requestAnimationFrame(() => this.#frame());
  }

  #looked() {
    const now = { time: this.audio.currentTime, clock: performance.now() };
    const before = this.look;
    this.look = this.audio.seeking ? null : now;
    if (before && this.look && this.#audible()) {
      const played = now.time - before.time;
      const could = (now.clock - before.clock) / 1000 * this.speed + SLACK_S;
      if (played > 0 && played <= could) this.#hear(before.time, now.time);
    }
    if (this.stopsAt !== null && now.time >= this.stopsAt) {
      this.stopsAt = null;
      this.pause();
      this.moved = true;
    }
    if (this.loop && this.playing && this.stopsAt === null && (now.time >= this.loop[1] || now.time < this.loop[0] - 0.5))
      this.#to(this.loop[0]);
    this.#tell("time");
  }

  #audible() {
    return this.speed <= COUNTS_UP_TO + 1e-9 && !this.audio.muted && this.audio.volume > 0 && this.audio.readyState > 2;
  }

  /** @param {number} from_s @param {number} to_s */
  #hear(from_s, to_s) {
    const last = this.unreported.at(-1);
    if (last && Math.abs(last[1] - from_s) < 0.01) last[1] = to_s;
    else this.unreported.push([from_s, to_s]);
  }

  /** @param {string} name */
  #tell(name) { this.dispatchEvent(new Event(name)); }
}
