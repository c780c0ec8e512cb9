// Uploads: two files at a time, each resumed by itself where the connection breaks. What is chosen or
// dropped waits in a list that tells how far each one is, how fast, and why one failed.
import { Folders, chosenIn, droppedIn, markOf } from "./folders.js";
import { drawnAnew } from "./page.js";
import { Upload, discard } from "./tus.js";

const AT_ONCE = 2;

const section = document.getElementById("upload");
const list = document.getElementById("transfers");
const state = document.getElementById("upload-state");
const pickers = [...section.querySelectorAll('.drop input[type="file"]')];
const folders = new Folders({
  address: section.dataset.folders,
  top: section.dataset.folder,
  asking: section.dataset.brokenOff,
});

const waiting = [];
const sending = new Set();
const paused = new Set(); // by the visitor: others are sent meanwhile
const brokenOff = new Map(); // rows by the name of the file
const arrived = []; // what lies in folders that are not complete yet
let uploaded = 0;
let failed = 0;

for (const picker of pickers) picker.addEventListener("change", () => addChosen(picker));

function addChosen(picker) {
  add(chosenIn(picker.files));
  picker.value = ""; // so that the same can be chosen again
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
document.addEventListener("drop", async (event) => {
  document.body.classList.remove("is-dropping");
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  add(await droppedIn(event.dataTransfer));
});
window.addEventListener("online", () => {
  for (const { upload, buttons } of sending) if (!buttons.resume.hidden && upload.isRunning) upload.resume();
});
window.addEventListener("beforeunload", (event) => {
  if (sending.size || paused.size || waiting.length) event.preventDefault();
});

function add(files) {
  const mark = markOf(files);
  for (const { file, folder } of files) {
    if (!folder) brokenOff.get(file.name)?.remove(); // which is gone on with, if it is the same file
    waiting.push(newTransfer(file, folder, mark));
  }
  if (!files.length) tell("There is no file in it.");
  sendNext();
}

function newTransfer(file, folder, mark) {
  const item = document.getElementById("transfer").content.firstElementChild.cloneNode(true);
  const part = (name) => item.querySelector(`[data-part="${name}"]`);
  const buttons = Object.fromEntries(["pause", "resume", "retry", "cancel"].map((name) => [name, part(name)]));
  const transfer = { file, folder, mark, item, buttons, progress: part("progress"), state: part("state"), pace: null };
  transfer.upload = new Upload(file, {
    address: section.dataset.address,
    metadata: { filename: file.name },
    report: (event) => show(transfer, event),
    isPart: Boolean(folder),
  });
  part("name").textContent = legible(folder ? `${folder}/${file.name}` : file.name);
  transfer.progress.setAttribute("aria-label", `Progress of ${legible(file.name)}`);
  for (const button of Object.values(buttons)) {
    button.setAttribute("aria-label", `${button.textContent}: ${legible(file.name)}`);
  }
  buttons.pause.addEventListener("click", () => pause(transfer));
  buttons.resume.addEventListener("click", () => resume(transfer));
  buttons.cancel.addEventListener("click", () => cancel(transfer));
  buttons.retry.addEventListener("click", () => retry(transfer));
  transfer.state.textContent = "waiting";
  list.append(item);
  return transfer;
}

// A name on the page: what would turn its letters round or break its line is made visible.
const legible = (name) => name.replace(/[\p{Cc}\p{Bidi_C}]/gu, "\ufffd");

function sendNext() {
  while (waiting.length && sending.size < AT_ONCE) send(waiting.shift());
  if (!sending.size) finish();
}

async function send(transfer) {
  sending.add(transfer);
  try {
    transfer.upload.metadata.folder = await folders.idOf(transfer.folder, transfer.mark);
  } catch (error) {
    return fail(transfer, error.message);
  }
  if (sending.has(transfer)) transfer.upload.start();
}

// What the client of an upload has to tell.
function show(transfer, { state: now, sent, wait, why }) {
  const { file, buttons, progress } = transfer;
  const percent = file.size ? Math.floor((100 * sent) / file.size) : 100;
  if (sent !== undefined) progress.value = percent;
  buttons.pause.hidden = now !== "sending" || percent === 100;
  buttons.resume.hidden = now !== "paused" && now !== "broken";
  if (now === "sending") {
    transfer.pace = paceOf(transfer.pace, sent);
    transfer.state.textContent = percent < 100 ? `${percent} %${speed(transfer.pace, file.size - sent)}` : "being stored";
    return;
  }
  transfer.pace = null;
  if (now === "paused") transfer.state.textContent = sent === undefined ? "paused" : `paused at ${percent} %`;
  if (now === "broken") transfer.state.textContent = `${why} Trying again in ${wait} s.`;
  if (now === "failed") fail(transfer, why);
  if (now === "done") succeed(transfer);
}

// A running average, so that the figure can be read.
function paceOf(before, sent) {
  const at = performance.now();
  if (!before) return { at, sent, rate: 0 };
  const seconds = (at - before.at) / 1000;
  if (seconds < 0.5) return before;
  const rate = (sent - before.sent) / seconds;
  return { at, sent, rate: before.rate ? 0.7 * before.rate + 0.3 * rate : rate };
}

function speed({ rate }, left) {
  if (rate <= 0) return "";
  const [unit, name] = rate < 2 ** 20 ? [2 ** 10, "KiB/s"] : [2 ** 20, "MiB/s"];
  return `, ${(rate / unit).toFixed(1)} ${name}, ${duration(left / rate)} left`;
}

function duration(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}

function pause(transfer) {
  transfer.upload.pause();
  transfer.buttons.resume.focus();
  sending.delete(transfer);
  paused.add(transfer);
  sendNext();
}

function resume(transfer) {
  transfer.buttons.resume.hidden = true;
  paused.delete(transfer);
  sending.add(transfer);
  transfer.upload.resume();
}

function succeed(transfer) {
  uploaded += 1;
  if (transfer.folder) arrived.push(transfer.upload);
  remove(transfer);
}

function fail(transfer, why) {
  failed += 1;
  transfer.state.textContent = why;
  transfer.state.classList.add("failed");
  transfer.progress.hidden = true;
  transfer.buttons.retry.hidden = false;
  transfer.buttons.cancel.textContent = "Dismiss";
  transfer.buttons.cancel.setAttribute("aria-label", `Dismiss: ${legible(transfer.file.name)}`);
  tell(`${legible(transfer.file.name)}: ${why}`);
  leave(transfer);
}

function cancel(transfer) {
  const place = waiting.indexOf(transfer);
  if (sending.has(transfer) || paused.has(transfer)) transfer.upload.cancel();
  else if (place >= 0) waiting.splice(place, 1);
  else failed -= 1;
  remove(transfer);
}

function retry(transfer) {
  failed -= 1;
  transfer.item.replaceWith((waiting[waiting.length] = newTransfer(transfer.file, transfer.folder, transfer.mark)).item);
  sendNext();
}

function remove(transfer) {
  transfer.item.remove();
  leave(transfer);
}

function leave(transfer) {
  const wasPaused = paused.delete(transfer);
  if (sending.delete(transfer) || wasPaused) sendNext();
}

async function finish() {
  if (!failed && !paused.size) {
    folders.forget();
    arrived.splice(0).forEach((upload) => upload.forget());
  }
  if (uploaded) {
    const done = uploaded === 1 ? "1 file is uploaded." : `${uploaded} files are uploaded.`;
    tell(failed ? `${done} ${failed} failed.` : done);
    uploaded = 0;
    await showList();
  }
}

async function showList() {
  const fresh = await drawnAnew(location.href).then((page) => page.getElementById("listing"), () => null);
  if (!fresh) return tell(`${state.textContent} Reload the page to see it in the list.`);
  const shown = document.getElementById("listing");
  const focused = shown.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  const chosen = [...shown.querySelectorAll('[name="things"]:checked')].map((box) => box.value);
  shown.replaceWith(fresh);
  document.getElementById("download-all")?.removeAttribute("hidden");
  for (const box of fresh.querySelectorAll('[name="things"]')) box.checked = chosen.includes(box.value);
  if (focused) [...fresh.querySelectorAll("a, input, button")].find((one) => nameOf(one) === focused)?.focus();
  document.dispatchEvent(new Event("listed"));
}

// What tells one thing of the list that can have the focus from another.
const nameOf = (one) => one.id || one.getAttribute("href") || one.getAttribute("formaction") || one.value;

function tell(text) {
  state.textContent = text;
}

// What was under way when the page was left: the server has a part of it, and the visitor the file.
async function showBrokenOff(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { uploads, more } = await answer.json();
  for (const one of uploads) list.append(brokenOffRow(one));
  if (more) list.append(moreRow(more));
}

// The button that has the next page of it shown, and gives the focus to what is new.
function moreRow(address) {
  const item = document.getElementById("more-broken-off").content.firstElementChild.cloneNode(true);
  item.querySelector("button").addEventListener("click", async () => {
    const last = item.previousElementSibling;
    item.remove();
    await showBrokenOff(address);
    last?.nextElementSibling?.querySelector("button").focus();
  });
  return item;
}

function brokenOffRow({ name, state: told, address }) {
  const item = document.getElementById("broken-off").content.firstElementChild.cloneNode(true);
  const part = (which) => item.querySelector(`[data-part="${which}"]`);
  part("name").textContent = name;
  part("state").textContent = told;
  part("discard").setAttribute("aria-label", `Discard: ${name}`);
  part("discard").addEventListener("click", () => {
    discard(address);
    item.remove();
  });
  brokenOff.set(name, item);
  return item;
}

showBrokenOff(section.dataset.brokenOff);
for (const picker of pickers) if (picker.files.length) addChosen(picker); // chosen before this script had come
