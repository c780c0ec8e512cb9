// New entries of the log at the top of the table, as the server tells of them. The browser comes back
// by itself after each answer; what it is told once more is known by its id.
const MOST_ROWS = 200;
const view = document.querySelector("[data-live]");
const rows = view.querySelector("tbody");
const state = document.querySelector("#live-state");
const source = new EventSource(view.dataset.live);

source.addEventListener("message", (event) => {
  if (document.getElementById(`entry-${event.lastEventId}`)) return;
  rows.insertAdjacentHTML("afterbegin", event.data);
  while (rows.rows.length > MOST_ROWS) rows.deleteRow(-1);
});

source.addEventListener("error", () => {
  if (source.readyState === EventSource.CLOSED) state.textContent = state.dataset.ended;
});
