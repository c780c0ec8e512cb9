// Choosing in a list: shift-click chooses all between, one box all on the page; j and k go down and
// up, x chooses where one is. Without it the boxes and buttons work all the same. Nothing is kept of
// the list, which is drawn anew when a file has arrived ("listed").
const boxesNow = () => [...document.querySelectorAll('[name="things"]')];
let last = null;

function tell(boxes) {
  const chosen = boxes.filter((box) => box.checked).length;
  const all = document.querySelector("#choose-all");
  if (!all) return; // an empty list
  document.querySelector("#chosen-count").textContent = chosen ? `${chosen} selected` : "";
  all.checked = chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
}

document.addEventListener("click", (event) => {
  const boxes = boxesNow();
  const [to, from] = [boxes.indexOf(event.target), boxes.indexOf(last)];
  if (event.target.id === "choose-all") {
    boxes.forEach((box) => (box.checked = event.target.checked));
  } else if (to < 0) {
    return;
  } else if (event.shiftKey && from >= 0) {
    const between = boxes.slice(Math.min(from, to), Math.max(from, to) + 1);
    between.forEach((box) => (box.checked = event.target.checked));
  }
  last = to < 0 ? null : event.target;
  tell(boxes);
});

// A page that one comes back to has its boxes as they were left.
for (const [target, event] of [[document, "listed"], [window, "pageshow"]]) {
  target.addEventListener(event, () => tell(boxesNow()));
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches('input:not([type="checkbox"]), textarea, select');
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const boxes = boxesNow();
  const at = boxes.findIndex((box) => box.closest("tr").contains(document.activeElement));
  if (event.key === "j" || event.key === "k") {
    boxes[at < 0 ? 0 : at + (event.key === "j" ? 1 : -1)]?.focus();
  } else if (event.key === "x" && at >= 0) {
    boxes[at].click();
  }
});
