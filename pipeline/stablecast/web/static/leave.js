// A way out: the button, or Esc twice. The sound stops, and "back" does not lead here again.
// So that it does not, this page never adds to the browser's history: it goes from part to part in its place.

const TWICE_MS = 1200;
const door = document.getElementById("leave");

export function go(url) {
  location.replace(url);
}

function leave() {
  for (const sound of document.querySelectorAll("audio")) {
    sound.pause();
  }
  document.body.hidden = true;
  document.title = "";
  go(door.href);
}

let pressed = -Infinity;
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.repeat) return;
  if (event.timeStamp - pressed < TWICE_MS) leave();
  pressed = event.timeStamp;
});

door.addEventListener("click", (event) => {
  event.preventDefault();
  leave();
});

for (const link of document.querySelectorAll("a[data-go]")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(link.href);
  });
}
