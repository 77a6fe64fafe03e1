// The stages of a run in words for people. A stage's key may have numbers behind slashes: a track's, or a part's.

const WORDS = {
  ingest: "Taking the recording in",
  turns: "Telling the speakers apart",
  listen: "Hearing the words",
  transcribe: "Hearing the words",
  find: "Looking for what may identify somebody",
  proposals: "Looking for what may identify somebody",
  redact: "Taking out what must not be heard",
  revoice: "Changing how they sound",
  attack: "Trying to recognise the speaker",
  assemble: "Putting the parts together",
  master: "Making it evenly loud",
  peaks: "Drawing the sound",
  encode: "Making the file",
  caption: "Writing the captions",
  translate: "Translating the captions",
  tag: "Writing title and chapters into the file",
  hear: "Listening to the finished file",
  prove: "Checking the finished file",
};

export function stageWords(key) {
  const [name, ...numbers] = key.split("/");
  const of = name === "hear" ? ["part"] : ["speaker", "part"];
  const which = numbers.map((number, at) => `${of[at]} ${number}`).join(", ");
  const words = WORDS[name] ?? name;
  return which ? `${words} (${which})` : words;
}

/** How long a run will still take, no more exact than it is known; `run` came `passed_s` ago. */
export function leftWords(run, passed_s = 0) {
  if (!run.left) return "";
  if (run.left_s == null) return `${run.left} steps to go; time left not known yet`;
  const left_s = run.left_s - passed_s;
  if (left_s < 0) return "longer than expected";
  if (left_s < 50) return "less than a minute left";
  const minutes = Math.round(left_s / 60);
  return minutes < 90 ? `about ${minutes} min left` : `about ${(left_s / 3600).toFixed(1)} h left`;
}

const counting = new WeakMap();

/** Say in `going` how far a run is, and count its time down until the next event. */
export function drawRun(going, run) {
  going.hidden = false;
  const left = going.querySelector(".left");
  clearInterval(counting.get(left));
  const came = performance.now();
  const say = () => { const words = leftWords(run, (performance.now() - came) / 1000); if (left.textContent !== words) left.textContent = words; };
  say();
  if (run.left_s != null && run.event !== "failed") {
    counting.set(left, setInterval(() => (left.isConnected ? say() : clearInterval(counting.get(left))), 1000));
  }
  const bar = going.querySelector("progress");
  bar.max = run.share == null ? run.total || 1 : 1;
  bar.value = run.share ?? (run.total ? run.total - run.left : 0);
}

/** Listen to the events at `url`; `handlers` by kind. Says so where the line is cut, and goes on by itself. */
export function listenTo(url, handlers, cut = () => {}) {
  const source = new EventSource(url);
  for (const [kind, handler] of Object.entries(handlers)) source.addEventListener(kind, (event) => handler(JSON.parse(event.data)));
  source.addEventListener("open", () => cut(false));
  source.addEventListener("error", () => cut(true));
  addEventListener("pagehide", () => source.close());
  return source;
}

/** The page at `url` as the server draws it now. */
export function drawn(url) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.onload = () => (request.status === 200 ? resolve(request.response) : reject(new Error()));
    request.onerror = reject;
    request.send();
  });
}
