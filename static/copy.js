// Buttons that copy what stands before them. Browsers offer it over HTTPS and on localhost only.
const status = document.getElementById("copied");

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const source = button.previousElementSibling;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      button.classList.add("is-copied");
      status.textContent = "Copied";
      setTimeout(() => {
        button.classList.remove("is-copied");
        status.textContent = "";
      }, 1500);
    });
  }
}
