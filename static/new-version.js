// A new version of the document on whose page this runs: resumed by itself where the connection breaks.
// Without this script the form is sent as it is.
import { drawnAnew } from "./page.js";
import { Upload } from "./tus.js";

const form = document.getElementById("new-version");
const state = document.getElementById("new-version-state");
const progress = form.querySelector("progress");
const button = form.querySelector("button");
const { file, note } = form.elements;

let upload = null;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!upload) send(file.files[0]);
});
window.addEventListener("beforeunload", (event) => {
  if (upload) event.preventDefault();
});

function send(content) {
  upload = new Upload(content, {
    address: form.dataset.address,
    metadata: { filename: content.name, document: form.dataset.document, note: note.value },
    report: (now) => show(now, content.size),
  });
  button.disabled = true;
  progress.hidden = false;
  state.textContent = "Uploading…";
  upload.start();
}

function show({ state: now, sent, wait, why }, size) {
  progress.value = size ? (100 * sent) / size : 100;
  if (now === "broken") state.textContent = `${why} Trying again in ${wait} s.`;
  if (now === "sending") state.textContent = "Uploading…";
  if (now === "failed") end(why);
  if (now === "done") succeed();
}

async function succeed() {
  end("The new version is uploaded.");
  form.reset();
  const fresh = await drawnAnew(location.pathname).catch(() => null);
  if (!fresh) return (state.textContent += " Reload the page to see it in the list.");
  for (const part of ["versions", "facts"]) document.getElementById(part).replaceWith(fresh.getElementById(part));
}

function end(text) {
  upload = null;
  state.textContent = text;
  button.disabled = false;
  progress.hidden = true;
}
