// The page as the server would draw it now, for whom it was drawn before: none where somebody else has
// signed in meanwhile. An XMLHttpRequest parses it without running anything.
export function drawnAnew(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onload = () => {
      if (request.status !== 200 || !request.response) reject(request.status); // none: it is no page
      else if (personOf(request.response) !== personOf(document)) reject("somebody else");
      else resolve(request.response);
    };
    request.onerror = reject;
    request.send();
  });
}

const personOf = (page) => page.querySelector("[data-person]")?.dataset.person;
