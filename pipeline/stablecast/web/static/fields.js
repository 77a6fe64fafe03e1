// What a new episode and a desk have in common: the fields about an episode, and the receipt.

const found = (id) => document.getElementById(id);
let rows = 0;

/** The lines "one more content note with its place". */
export function noteRows() {
  const list = found("notes");
  const removing = (row) => row.querySelector(".remove").addEventListener("click", () => { row.remove(); found("add-note").focus(); });
  for (const row of list.querySelectorAll(".note-row")) removing(row);
  found("add-note").addEventListener("click", () => {
    rows += 1;
    const row = document.createElement("div");
    row.className = "pair note-row";
    const part = (name, label, width) => {
      const box = document.createElement("div");
      const words = document.createElement("label");
      const input = document.createElement("input");
      input.id = `${name}-new-${rows}`;
      input.className = name;
      input.maxLength = width;
      words.htmlFor = input.id;
      words.textContent = label;
      box.append(words, input);
      return [box, input];
    };
    const [what, kind] = part("kind", "What", 120);
    const [where, place] = part("where", "Where", 12);
    place.setAttribute("list", "wheres");
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "plain remove";
    remove.textContent = "Remove";
    row.append(what, where, remove);
    list.append(row);
    removing(row);
    kind.focus();
  });
}

/** Title, summary, note and the rest, as they are sent. */
export function details(form) {
  const notes = [...form.querySelectorAll(".note-row")]
    .map((row) => ({ kind: row.querySelector(".kind").value.trim(), where: row.querySelector(".where").value.trim() }))
    .filter((note) => note.kind);
  return {
    title: form.elements.namedItem("title").value.trim(),
    summary: form.elements.namedItem("summary").value.trim(),
    content_note: form.elements.namedItem("content_note").value.trim(),
    notes,
    outcomes: [...form.querySelectorAll('[name="outcome"]:checked')].map((box) => box.value),
    explicit: form.elements.namedItem("explicit").checked,
  };
}

/** Protected words, one a line, and the field empty: they are not shown again. */
export function protectedWords(field) {
  return field.value.split("\n").map((line) => line.trim()).filter(Boolean);
}

export function seeing() {
  found("see")?.addEventListener("change", (event) => found("protect").classList.toggle("masked", !event.target.checked));
}

export function consents(form) {
  return [...form.querySelectorAll('[name="consent"]:checked')].map((box) => box.value);
}

/** Show a receipt code, once. */
export function receipt(code, onward) {
  found("code").textContent = code;
  if (onward) found("onward").href = onward;
  found("receipt").hidden = false;
  found("receipt").focus();
  found("receipt").scrollIntoView({ block: "start" });
  found("print").onclick = () => print();
}
