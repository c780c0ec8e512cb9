// Uploads: each file goes out as the raw body of a request of its own, two at a time. What is chosen
// or dropped waits in a list that tells how far each one is, and why one failed.
import { drawnAnew } from "./page.js";

const AT_ONCE = 2;

const section = document.getElementById("upload");
const list = document.getElementById("transfers");
const state = document.getElementById("upload-state");
const picker = document.getElementById("files");
const token = document.querySelector('meta[name="csrf-token"]').content;

const waiting = [];
const sending = new Set();
let uploaded = 0;
let failed = 0;

picker.addEventListener("change", addChosen);

function addChosen() {
  add([...picker.files]);
  picker.value = ""; // so that the same file can be chosen again
}

for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("is-dropping");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("is-dropping");
});
document.addEventListener("drop", (event) => {
  document.body.classList.remove("is-dropping");
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  add(filesIn(event.dataTransfer));
});
window.addEventListener("beforeunload", (event) => {
  if (sending.size || waiting.length) event.preventDefault();
});

// Folders come among the files and can't be read like one.
function filesIn(dropped) {
  const items = [...dropped.items].filter((item) => item.kind === "file");
  const folders = items.filter((item) => item.webkitGetAsEntry()?.isDirectory);
  if (folders.length) tell("Folders can’t be dropped. Open the folder and drop the files in it.");
  return items.filter((item) => !folders.includes(item)).map((item) => item.getAsFile());
}

function add(files) {
  for (const file of files) waiting.push(newTransfer(file));
  sendNext();
}

function newTransfer(file) {
  const item = document.getElementById("transfer").content.firstElementChild.cloneNode(true);
  const part = (name) => item.querySelector(`[data-part="${name}"]`);
  const transfer = {
    file,
    item,
    progress: part("progress"),
    state: part("state"),
    cancel: part("cancel"),
    retry: part("retry"),
    request: null,
  };
  part("name").textContent = file.name;
  transfer.progress.setAttribute("aria-label", `Progress of ${file.name}`);
  transfer.cancel.setAttribute("aria-label", `Cancel ${file.name}`);
  transfer.retry.setAttribute("aria-label", `Try again: ${file.name}`);
  transfer.cancel.addEventListener("click", () => cancel(transfer));
  transfer.retry.addEventListener("click", () => retry(transfer));
  transfer.state.textContent = "waiting";
  list.append(item);
  return transfer;
}

function sendNext() {
  while (waiting.length && sending.size < AT_ONCE) send(waiting.shift());
  if (!sending.size) finish();
}

function send(transfer) {
  const request = new XMLHttpRequest();
  transfer.request = request;
  sending.add(transfer);
  transfer.state.textContent = "0 %";
  request.upload.onprogress = ({ loaded, total }) => {
    const percent = total ? Math.floor((100 * loaded) / total) : 100;
    transfer.progress.value = percent;
    transfer.state.textContent = percent < 100 ? `${percent} %` : "being stored";
    transfer.cancel.hidden = percent === 100; // too late: the server has all of it
  };
  request.onload = () => (request.status === 201 ? succeed(transfer) : fail(transfer, reason(request)));
  request.onerror = () => fail(transfer, "The connection broke off.");
  request.onabort = () => remove(transfer);
  request.open("PUT", section.dataset.address);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.setRequestHeader("X-CSRFToken", token);
  request.setRequestHeader("X-File-Name", encodeURIComponent(transfer.file.name));
  request.setRequestHeader("X-Folder", section.dataset.folder);
  request.send(transfer.file);
}

function reason(request) {
  try {
    return JSON.parse(request.responseText).error;
  } catch {
    return `The server answered with ${request.status}.`;
  }
}

function succeed(transfer) {
  uploaded += 1;
  remove(transfer);
}

function fail(transfer, why) {
  failed += 1;
  transfer.state.textContent = why;
  transfer.state.classList.add("failed");
  transfer.progress.hidden = true;
  transfer.retry.hidden = false;
  transfer.cancel.textContent = "Dismiss";
  transfer.cancel.hidden = false;
  transfer.cancel.setAttribute("aria-label", `Dismiss ${transfer.file.name}`);
  tell(`${transfer.file.name}: ${why}`);
  leave(transfer);
}

function cancel(transfer) {
  if (sending.has(transfer)) return transfer.request.abort();
  const place = waiting.indexOf(transfer);
  if (place >= 0) waiting.splice(place, 1);
  else failed -= 1;
  remove(transfer);
}

function retry(transfer) {
  failed -= 1;
  transfer.item.replaceWith((waiting[waiting.length] = newTransfer(transfer.file)).item);
  sendNext();
}

function remove(transfer) {
  transfer.item.remove();
  leave(transfer);
}

function leave(transfer) {
  if (sending.delete(transfer)) sendNext();
}

async function finish() {
  if (uploaded) {
    const done = uploaded === 1 ? "1 file is uploaded." : `${uploaded} files are uploaded.`;
    tell(failed ? `${done} ${failed} failed.` : done);
    uploaded = 0;
    await showList();
  }
}

async function showList() {
  const shown = document.getElementById("listing");
  const focused = shown.contains(document.activeElement) && document.activeElement.getAttribute("href");
  const fresh = (await drawnAnew(location.href)).getElementById("listing");
  shown.replaceWith(fresh);
  if (focused) fresh.querySelector(`a[href="${focused}"]`)?.focus();
}

function tell(text) {
  state.textContent = text;
}

if (picker.files.length) addChosen(); // chosen before this script had come
