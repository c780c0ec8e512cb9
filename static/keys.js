// A key leads to the field that says so: <input data-key="/">. Not while somebody types elsewhere.
const TYPED_INTO = "input, textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPED_INTO)) {
    return;
  }
  const field = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  if (field) {
    event.preventDefault();
    field.focus();
  }
});
