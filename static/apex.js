// The codes of the sample people change all together: count down, then show the next ones.
import { drawnAnew } from "./page.js";

const countdown = document.getElementById("next-codes");
let end = ending(countdown);

function ending(element) {
  return Date.now() + Number(element.dataset.seconds) * 1000;
}

async function renew() {
  const fresh = await drawnAnew(location.pathname);
  const codes = fresh.querySelectorAll("[data-code]");
  document.querySelectorAll("[data-code]").forEach((code, i) => (code.textContent = codes[i].textContent));
  end = ending(fresh.getElementById("next-codes"));
}

async function tick() {
  if (Date.now() >= end) await renew().catch(() => (end = Date.now() + 5000));
  const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
  countdown.textContent = ` (the next in ${seconds} ${seconds === 1 ? "second" : "seconds"})`;
  setTimeout(tick, 1000);
}

tick();
