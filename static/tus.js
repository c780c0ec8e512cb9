// One upload by the tus protocol, which is resumed after a broken connection, a pause, or a reload.
// What the server has is asked for each time, so that nothing is sent twice and nothing left out.

import { digestOf, factsOf, forget, remember, remembered } from "./kept.js";
import { STALE, renewToken, token } from "./token.js";

const PIECE_BYTES = 32 * 1024 * 1024; // four parts of the format in which contents are kept
const LONGEST_WAIT_SECONDS = 30;
const STATUSES_TO_FORGET = [404, 413, 415, 422]; // after others, signing in again may be enough
const MOST_TRIES = 12; // in a row without any progress
const STATUSES_OF_OWN_END = [409, 423]; // while the server winds up what this page has just broken off
const TRIES_IN_SILENCE = 3; // seven seconds, which is longer than a lease lasts
const STATUSES_TO_RETRY = [0, 409, 423, 429, 500, 502, 503, 504]; // 0: no answer at all

// The addresses that uploads of this page are at: another one of the same file begins anew.
const taken = new Set();

export class Upload {
  // `report` is told { state, sent, wait, why }: state is one of "sending", "paused", "broken",
  // "failed", "done"; "paused" comes without `sent` until the server has said what it keeps. One
  // that `isPart` of something larger is remembered until it is told to forget.
  constructor(file, { address, metadata, report, isPart = false }) {
    Object.assign(this, { file, address, metadata, report, isPart });
    this.url = null;
    this.offset = 0;
    this.tries = 0;
    this.request = null;
    this.timer = null;
    this.isRunning = false;
    this.isRenewed = false; // the token, since there was progress
  }

  async start() {
    this.isRunning = true;
    try {
      this.key = await digestOf("upload", [...(await factsOf(this.file)), this.metadata]);
    } catch {
      return this.end({ state: "failed", sent: 0, why: "This file can’t be read." });
    }
    if (!this.isRunning) return;
    const known = remembered(this.key);
    if (known && !taken.has(known)) this.be(known);
    this.goOn();
  }

  // Have an address, or none.
  be(url) {
    taken.delete(this.url);
    if (url) taken.add(url);
    this.url = url;
  }

  pause() {
    this.stop();
    this.report({ state: "paused" });
    if (this.url) this.tellKept();
  }

  // Asked again until it stays the same: the server may still be storing what came last.
  tellKept(before = null) {
    this.request = this.ask("HEAD", this.url, {}, null, (answer) => {
      if (answer.status !== 200) return;
      const kept = Number(answer.getResponseHeader("Upload-Offset"));
      this.report({ state: "paused", sent: kept });
      if (kept !== before) this.timer = setTimeout(() => this.tellKept(kept), 1000);
    });
  }

  resume() {
    clearTimeout(this.timer);
    this.tries = 0;
    this.isRunning = true;
    this.goOn();
  }

  forget() {
    forget(this.key);
  }

  cancel() {
    this.stop();
    this.forget();
    if (this.url) discard(this.url);
    this.be(null);
  }

  // Tell how it ended. What has failed can be tried again, by another upload at the same address.
  end(event) {
    this.isRunning = false;
    this.be(null);
    this.report(event);
  }

  stop() {
    this.isRunning = false;
    clearTimeout(this.timer);
    const request = this.request;
    this.request = null;
    request?.abort();
  }

  goOn() {
    if (this.url) this.findOffset();
    else this.create();
  }

  create() {
    const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": encoded(this.metadata) };
    this.request = this.ask("POST", this.address, headers, null, (answer) => {
      if (answer.status !== 201) return this.fail(answer);
      this.be(new URL(answer.getResponseHeader("Location"), location.href).href);
      this.take(answer);
    });
  }

  findOffset() {
    this.request = this.ask("HEAD", this.url, {}, null, (answer) => {
      if (answer.status === 200) return this.take(answer);
      if (answer.status !== 404) return this.fail(answer);
      forget(this.key); // it has expired, or was somebody else's
      this.be(null);
      this.create();
    });
  }

  take(answer) {
    const offset = Number(answer.getResponseHeader("Upload-Offset"));
    if (offset > this.offset) Object.assign(this, { tries: 0, isRenewed: false });
    this.offset = offset;
    remember(this.key, this.url); // anew with every piece, as the server waits from the last one on
    this.report({ state: "sending", sent: offset });
    if (offset < this.file.size) return this.send();
    if (!this.isPart) this.forget();
    this.end({ state: "done", sent: offset });
  }

  send() {
    const start = this.offset;
    const piece = this.file.slice(start, start + PIECE_BYTES);
    const headers = { "Upload-Offset": String(start), "Content-Type": "application/offset+octet-stream" };
    const onProgress = ({ loaded }) => this.report({ state: "sending", sent: start + loaded });
    const then = (answer) => (answer.status === 204 ? this.take(answer) : this.fail(answer));
    this.request = this.ask("PATCH", this.url, headers, piece, then, onProgress);
  }

  fail(answer) {
    this.request = null;
    if (answer.status === STALE && !this.isRenewed) return this.renew();
    if (!STATUSES_TO_RETRY.includes(answer.status) || this.tries >= MOST_TRIES) {
      if (STATUSES_TO_FORGET.includes(answer.status)) forget(this.key);
      return this.end({ state: "failed", sent: this.offset, why: reason(answer) });
    }
    const wait = Math.min(2 ** this.tries, LONGEST_WAIT_SECONDS);
    const isQuiet = this.tries < TRIES_IN_SILENCE && STATUSES_OF_OWN_END.includes(answer.status);
    this.tries += 1;
    if (isQuiet) this.report({ state: "sending", sent: this.offset });
    else this.report({ state: "broken", sent: this.offset, wait, why: reason(answer) });
    this.timer = setTimeout(() => this.goOn(), wait * 1000);
  }

  // Goes on with a new token, unless it is paused or cancelled meanwhile.
  async renew() {
    this.isRenewed = true;
    const renewing = (this.request = new AbortController());
    await renewToken();
    if (this.request === renewing) this.goOn();
  }

  ask(method, address, headers, body, then, onProgress = null) {
    const request = new XMLHttpRequest();
    request.onload = request.onerror = () => {
      if (this.request === request) then(request);
    };
    request.upload.onprogress = onProgress; // set before sending, or it is never called
    prepare(request, method, address, headers);
    request.send(body);
    return request;
  }
}

// Gives up an upload, be it one of this page or of an earlier one.
export function discard(address, isRenewed = false) {
  const request = new XMLHttpRequest();
  request.onload = async () => {
    if (request.status !== STALE || isRenewed) return;
    await renewToken();
    discard(address, true);
  };
  prepare(request, "DELETE", address);
  request.send();
}

function prepare(request, method, address, headers = {}) {
  request.open(method, address);
  const own = { Accept: "application/json", "Tus-Resumable": "1.0.0", "X-CSRFToken": token() };
  for (const [name, value] of Object.entries({ ...own, ...headers })) request.setRequestHeader(name, value);
}

function reason(answer) {
  if (!answer.status) return "The connection broke off.";
  try {
    return JSON.parse(answer.responseText).error;
  } catch {
    return `The server answered with ${answer.status}.`;
  }
}

function encoded(metadata) {
  const pairs = Object.entries(metadata).filter(([, value]) => value);
  return pairs.map(([key, value]) => `${key} ${base64(value)}`).join(",");
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
