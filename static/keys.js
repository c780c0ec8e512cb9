// A key leads to the field that says so: <input data-key="/">. Not while somebody types elsewhere.
const TYPED_INTO = 'input:not([type="checkbox"]), textarea, select';

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches(TYPED_INTO)) {
    return;
  }
  const field = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  if (field) {
    event.preventDefault();
    field.focus();
  }
});

// A form that drops down is there to be filled in.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.matches(".drop-down[open]")) target.querySelector('input:not([type="hidden"])').focus();
  },
  true,
);
