// Answers by one key: k keeps, r revokes the line that has the focus. The keys work nowhere else on
// the page (WCAG 2.2, 2.1.4), and not while something is typed.
const LINES = "[data-line]";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.matches("input, textarea, select")) return;
  const button = event.target.closest(LINES)?.querySelector(`[data-key="${event.key.toLowerCase()}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});

// Where one goes on: the first open line after the one that was just answered, or on the page.
function goOn() {
  const lines = [...document.querySelectorAll(LINES)];
  const answered = document.getElementById(location.hash.slice(1));
  const isAfter = (line) => !answered || Boolean(answered.compareDocumentPosition(line) & Node.DOCUMENT_POSITION_FOLLOWING);
  const next = lines.find((line) => line.dataset.line === "open" && isAfter(line));
  if (next && (answered || lines.length === 1)) {
    (next.tabIndex === 0 ? next : next.querySelector("[data-key]")).focus();
  }
}

// A browser that goes to a fragment takes the focus along, until the page is loaded.
addEventListener("load", () => setTimeout(goOn));
