// A form that is one step of something long sends itself: <form data-goes-on>. Not when one comes back to its page.
const [visit] = performance.getEntriesByType("navigation");
if (visit.type === "navigate") {
  document.querySelector("[data-goes-on]").requestSubmit();
}
