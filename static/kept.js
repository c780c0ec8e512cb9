// What a browser keeps of uploads, for as long as the server waits for one: by digests, so that no name
// of a file or folder stays behind in it.
const KEPT_MS = 24 * 60 * 60 * 1000;

export async function digestOf(kind, facts) {
  if (!globalThis.crypto?.subtle) return null; // an address without TLS: nothing is kept
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(facts)));
  return `${kind} ${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
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
