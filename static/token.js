// The token that tells the server that a request comes from one of its pages, as the forms of this page
// hold it. Signing in anew, be it in another tab, makes it stale; the page as it would be drawn now
// holds one that counts.
import { drawnAnew } from "./page.js";

export const STALE = 400; // what the server answers to such a token

const fieldsOf = (page) => [...page.querySelectorAll('[name="csrf_token"]')];

export const token = () => fieldsOf(document)[0].value;

// Has every form of the page hold one that counts. They are left as they are where none can be had, and
// where somebody else has signed in: what one person chose is not to be sent in the name of another.
// Whoever asks while it is on its way waits for the same.
let renewing = null;

export function renewToken() {
  renewing ??= renew().finally(() => (renewing = null));
  return renewing;
}

async function renew() {
  const fresh = await drawnAnew(location.href).catch(() => null);
  if (!fresh) return;
  const [{ value }] = fieldsOf(fresh);
  for (const field of fieldsOf(document)) field.value = value;
}
