// A new episode: recordings travel while the rest is written.

import { Refused, post, say } from "./api.js";
import { consents, details, noteRows, protectedWords, receipt, seeing } from "./fields.js";
import { listenTo } from "./stages.js";
import { Upload } from "./upload.js";

const found = (id) => document.getElementById(id);
const form = found("new");
const told = found("told");
const uploads = [];
let number = 0;

const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
const STATES = { starting: "Starting", sending: "On its way", waiting: "The line is cut. It goes on by itself", whole: "Here, and sealed", failed: "Not taken" };

function add(file) {
  number += 1;
  const row = document.createElement("li");
  row.className = "upload";
  const box = document.createElement("div");
  const label = document.createElement("label");
  const alias = document.createElement("input");
  alias.id = `alias-${number}`;
  alias.className = "alias";
  alias.maxLength = 120;
  alias.autocomplete = "off";
  alias.setAttribute("aria-describedby", "aliases");
  label.htmlFor = alias.id;
  label.textContent = `Who speaks in recording ${number}`;
  const name = document.createElement("p");
  name.className = "hint";
  const filename = document.createElement("bdi");
  filename.textContent = file.name;
  name.append(filename, ` · ${megabytes(file.size)}`);
  box.append(label, name, alias);
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "plain";
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove recording ${number}`);
  const bar = document.createElement("div");
  bar.className = "bar";
  const progress = document.createElement("progress");
  progress.max = Math.max(1, file.size);
  progress.value = 0;
  progress.setAttribute("aria-label", `Recording ${number}`);
  const state = document.createElement("p");
  state.className = "small";
  state.setAttribute("role", "status");
  bar.append(progress, state);
  row.append(box, remove, bar);
  found("uploads").append(row);

  let before = "";
  const upload = new Upload(file, () => {
    progress.value = upload.arrived;
    row.dataset.state = upload.state;
    const words = upload.sentence || STATES[upload.state];
    if (words !== before) { before = words; state.textContent = words; }
    state.className = upload.state === "failed" ? "small note warn" : "small";
    ready();
  });
  upload.alias = alias;
  uploads.push(upload);
  remove.addEventListener("click", () => {
    upload.drop();
    uploads.splice(uploads.indexOf(upload), 1);
    row.remove();
    ready();
    found("files").focus();
  });
  upload.send();
  ready();
}

function ready() {
  const left = uploads.filter((upload) => upload.state !== "whole").length;
  found("waiting").textContent = left ? `${left} recording${left === 1 ? " is" : "s are"} still on the way.` : "";
}

const take = (files) => { for (const file of files) add(file); };
found("files").addEventListener("change", (event) => { take(event.target.files); event.target.value = ""; });
const drop = found("drop");
for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.remove("over"); });
drop.addEventListener("drop", (event) => take(event.dataTransfer.files));
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault()); // a miss must not open the file

noteRows();
seeing();

const problem = (sentence, at) => {
  say(told, sentence, "warn");
  at?.setAttribute("aria-invalid", "true");
  (at ?? told).focus();
};

/** Until the episode is taken in. */
function takenIn(episode) {
  return new Promise((resolve, reject) => {
    let failed = "";
    const source = listenTo("/board/events", {
      progress: (run) => {
        if (run.episode !== episode) return;
        if (run.event === "failed") failed = run.sentence;
        if (run.event === "ended") { source.close(); if (failed) reject(new Refused(failed, 422)); else resolve(); }
      },
    });
    source.addEventListener("open", async () => {
      try {
        await post("/episodes", made);
      } catch (refused) { source.close(); reject(refused); }
    }, { once: true });
  });
}

let made = null;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const name = found("name");
  if (!uploads.length) return problem("Choose a recording first.", found("files"));
  if (!name.value || !name.checkValidity()) return problem("Give it a name of small letters, digits and hyphens, such as ep-014.", name);
  if (uploads.some((upload) => upload.state === "failed")) return problem("One recording was not taken. Remove it, or choose another.");
  if (uploads.some((upload) => upload.state !== "whole")) return problem("The recordings are still on their way. Wait until they are here.");
  const shared = found("together").checked;
  const nameless = uploads.find((upload) => !upload.alias.value.trim());
  if (nameless && !(shared && uploads[0].alias.value.trim())) return problem("Write who speaks in each recording: the name they chose.", nameless.alias);
  const people = shared ? uploads[0].alias.value.split(",").map((one) => one.trim()).filter(Boolean) : [];
  if (shared && people.length < 2) return problem("Write the names of all who speak in it, with commas between them.", uploads[0].alias);
  const about = details(form);
  made = {
    name: name.value,
    recordings: uploads.map((upload) => ({ upload: upload.id, speaker: shared ? people[0] : upload.alias.value.trim() })),
    together: people,
    title: about.title || null,
    summary: about.summary || null,
    content_note: about.content_note || null,
    notes: about.notes,
    outcomes: about.outcomes,
    explicit: about.explicit,
    protect: protectedWords(found("protect")),
  };
  const button = found("create");
  button.disabled = true;
  say(told, "Taking it in. A long recording takes a minute.", "accent");
  try {
    await takenIn(name.value);
    const desk = `/episodes/${encodeURIComponent(name.value)}`;
    const items = consents(form);
    if (!items.length) return location.assign(desk);
    const { code } = await post(`${desk}/consent`, { items });
    form.hidden = true;
    found("protect").value = "";
    return receipt(code, desk);
  } catch (refused) {
    button.disabled = false;
    return problem(refused instanceof Refused && refused.message ? refused.message : "That did not work. Try again.");
  }
});
