// What a browser keeps of uploads, for as long as the server waits for one: by digests, so that no name
// of a file or folder stays behind in it.
const KEPT_MS = 24 * 60 * 60 * 1000;

const SAMPLE_BYTES = 64 * 1024; // of each end of a file

export async function digestOf(kind, facts) {
  if (!globalThis.crypto?.subtle) return null; // an address without TLS: nothing is kept
  return `${kind} ${await sha256(new TextEncoder().encode(JSON.stringify(facts)))}`;
}

// What tells a file from another one: its name, size and time, and how its content begins and ends, as
// copies can have the same time. Throws where it can't be read.
export async function factsOf(file) {
  const { name, size, lastModified } = file;
  const ends = new Blob([file.slice(0, SAMPLE_BYTES), file.slice(-SAMPLE_BYTES)]);
  return [name, size, lastModified, globalThis.crypto?.subtle && (await sha256(await ends.arrayBuffer()))];
}

async function sha256(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

export function remembered(key) {
  const kept = attempt(() => JSON.parse(localStorage.getItem(key)));
  return kept?.at > Date.now() - KEPT_MS ? kept.value : null;
}

export function remember(key, value) {
  if (key) attempt(() => localStorage.setItem(key, JSON.stringify({ value, at: Date.now() })));
}

export function forget(key) {
  if (key) attempt(() => localStorage.removeItem(key));
}

// A browser may refuse to keep anything; then an upload is resumed as long as the page is open.
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}
