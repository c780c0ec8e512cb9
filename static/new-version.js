// A new version of the document on whose page this runs: the raw file as the body of a request.
import { drawnAnew } from "./page.js";

const form = document.getElementById("new-version");
const state = document.getElementById("new-version-state");
const progress = form.querySelector("progress");
const button = form.querySelector("button");
const file = document.getElementById("file");
const note = document.getElementById("version-note");
const token = document.querySelector('meta[name="csrf-token"]').content;

let request = null;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!request) send(file.files[0]);
});
window.addEventListener("beforeunload", (event) => {
  if (request) event.preventDefault();
});

function send(content) {
  request = new XMLHttpRequest();
  request.upload.onprogress = ({ loaded, total }) => (progress.value = total ? (100 * loaded) / total : 100);
  request.onload = () => (request.status === 201 ? succeed() : end(reason()));
  request.onerror = () => end("The connection broke off. Try again.");
  request.open("PUT", form.dataset.address);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.setRequestHeader("X-CSRFToken", token);
  request.setRequestHeader("X-Note", encodeURIComponent(note.value));
  request.send(content);
  show("Uploading…", true);
}

function reason() {
  try {
    return JSON.parse(request.responseText).error;
  } catch {
    return `The server answered with ${request.status}.`;
  }
}

async function succeed() {
  const { number } = JSON.parse(request.responseText);
  end(`Version ${number} is uploaded.`);
  form.reset();
  const fresh = await drawnAnew(location.pathname);
  for (const part of ["versions", "facts"]) document.getElementById(part).replaceWith(fresh.getElementById(part));
}

function end(text) {
  request = null;
  show(text, false);
}

function show(text, isSending) {
  state.textContent = text;
  button.disabled = isSending;
  progress.hidden = !isSending;
  progress.value = 0;
}
