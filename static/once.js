// A form is sent once, however often its button is pressed before the answer is here. The button keeps its
// focus, its name and its value: it is told to be out of use, not disabled.
const WAIT_MS = 5000; // then it can be pressed again: the answer was a file, or does not come
const pressed = new Set();

addEventListener("submit", (event) => {
  const { submitter, target: form } = event;
  const key = submitter ?? form;
  if (pressed.has(key)) return event.preventDefault();
  const method = submitter?.getAttribute("formmethod") ?? form.getAttribute("method");
  if (event.defaultPrevented || method !== "post") return;
  pressed.add(key);
  submitter?.setAttribute("aria-disabled", "true");
  setTimeout(() => release(key), WAIT_MS);
});

// Where somebody comes back, the page may be as it was left.
addEventListener("pageshow", () => pressed.forEach(release));

function release(key) {
  pressed.delete(key);
  key.removeAttribute("aria-disabled");
}
