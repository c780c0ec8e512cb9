// The page as the server would draw it now. An XMLHttpRequest parses it without running anything.
export function drawnAnew(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onload = () => (request.status === 200 ? resolve(request.response) : reject(request.status));
    request.onerror = reject;
    request.send();
  });
}

// The token that the forms of this session bear. Who signs in again, in another tab say, has another one.
const tokenOf = (page) => page.querySelector('[name="csrf_token"]')?.value;
let token = tokenOf(document);

export const formToken = () => token;

// Whoever asks while it is being asked for already gets the same.
let renewing = null;

export function renewToken() {
  renewing ??= drawnAnew(location.href)
    .then((page) => (token = tokenOf(page)))
    .finally(() => (renewing = null));
  return renewing;
}
