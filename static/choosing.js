// Choosing in a list: shift-click chooses all between, one box all on the page; j and k go down and
// up, x chooses where one is. Without it the boxes and buttons work all the same.
const boxes = [...document.querySelectorAll('[name="things"]')];
const all = document.querySelector("#choose-all");
const count = document.querySelector("#chosen-count");
let last = null;

function tell() {
  const chosen = boxes.filter((box) => box.checked).length;
  count.textContent = chosen ? `${chosen} chosen` : "";
  all.checked = chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
}

for (const box of boxes) {
  box.addEventListener("click", (event) => {
    if (event.shiftKey && last) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      boxes.slice(from, to + 1).forEach((between) => (between.checked = box.checked));
    }
    last = box;
    tell();
  });
}

all.addEventListener("change", () => {
  boxes.forEach((box) => (box.checked = all.checked));
  tell();
});
all.closest("[hidden]").hidden = false;

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches('input:not([type="checkbox"]), textarea, select');
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const row = document.activeElement.closest("tr");
  const at = boxes.findIndex((box) => row && row.contains(box));
  if (event.key === "j" || event.key === "k") {
    const next = boxes[at < 0 ? 0 : at + (event.key === "j" ? 1 : -1)];
    next?.focus();
  } else if (event.key === "x" && at >= 0) {
    boxes[at].click();
  }
});
tell();
