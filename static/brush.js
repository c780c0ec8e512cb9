// Dragging over bars of a chart leads to the time from the first to the last of them. Without it, and
// without dragging, each bar is a link to its own time.
for (const chart of document.querySelectorAll("[data-brush]")) {
  const bars = [...chart.querySelectorAll("a")];
  const at = (event) => bars.indexOf(document.elementFromPoint(event.clientX, event.clientY)?.closest("a"));
  let from = -1;

  const mark = (first, last) => bars.forEach((bar, i) => bar.classList.toggle("is-chosen", i >= first && i <= last));

  chart.addEventListener("pointerdown", (event) => {
    from = event.button === 0 ? at(event) : -1;
  });
  chart.addEventListener("pointermove", (event) => {
    const to = at(event);
    if (from >= 0 && to >= 0) mark(Math.min(from, to), Math.max(from, to));
  });
  chart.addEventListener("pointerup", (event) => {
    const to = at(event);
    if (from >= 0 && to >= 0 && from !== to) {
      const address = new URL(bars[from].getAttribute("href"), location);
      address.searchParams.set("since", bars[Math.min(from, to)].dataset.since);
      address.searchParams.set("until", bars[Math.max(from, to)].dataset.until);
      location.assign(address);
    }
    from = -1;
  });
  chart.addEventListener("dragstart", (event) => event.preventDefault());
}
