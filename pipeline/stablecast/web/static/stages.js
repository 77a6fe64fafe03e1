// The stages of a run in words for people. A stage's key may have a track's number behind a slash.

const WORDS = {
  ingest: "Taking the recording in",
  turns: "Telling the speakers apart",
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
  prove: "Checking the finished file",
};

export function stageWords(key) {
  const [name, track] = key.split("/");
  const words = WORDS[name] ?? name;
  return track ? `${words} (speaker ${track})` : words;
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
