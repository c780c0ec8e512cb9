// Passkeys. A button has the server say what to ask for, the browser asks the device, and the answer
// goes out with the form that the button belongs to. Without this script the sentence beside it stands.
const canAsk = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);

const REASONS = {
  NotAllowedError: "No passkey was used, or it took too long. Try again.",
  InvalidStateError: "This device holds a passkey for this address already.",
  AbortError: "This was broken off. Try again.",
  TypeError: "The portal could not be reached. Try again.",
};

for (const part of document.querySelectorAll("[data-passkey]")) {
  const button = part.querySelector("button");
  const told = part.querySelector("[role=status]");
  told.textContent = canAsk ? "" : "This browser can’t use passkeys.";
  button.hidden = !canAsk;
  button.addEventListener("click", () => use(button, told));
}

async function use(button, told) {
  // A name is wanted before the device makes anything; a code is not, where a passkey is used.
  if (button.dataset.kind === "create" && !button.form.reportValidity()) return;
  button.disabled = true;
  told.textContent = "Follow what your device says.";
  try {
    const answer = await answerOf(button);
    const form = button.form;
    form.elements[button.dataset.answer].value = JSON.stringify(answer);
    form.submit(); // not requestSubmit: the other fields may stay empty
  } catch (error) {
    told.textContent = REASONS[error.name] ?? error.message;
    button.disabled = false;
  }
}

async function answerOf(button) {
  const { publicKey } = await question(button);
  const made =
    button.dataset.kind === "create"
      ? await navigator.credentials.create({
          publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
        })
      : await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
        });
  return made.toJSON();
}

async function question(button) {
  const response = await fetch(button.dataset.begin, {
    method: "POST",
    redirect: "error",
    headers: { Accept: "application/json", "X-CSRFToken": button.form.elements.csrf_token.value },
  });
  if (response.ok) return response.json();
  const told = await response.json().catch(() => ({}));
  throw new Error(told.error ?? "This page is out of date. Load it again.");
}
