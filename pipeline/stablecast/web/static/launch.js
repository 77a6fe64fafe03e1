// The address that the terminal shows carries a token behind the #, which browsers send to nobody: it is exchanged once.
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
if (token) {
  const answer = await fetch("/launch", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (answer.ok) location.replace(location.pathname);
}
