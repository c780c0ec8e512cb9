// Reads a chosen file into the field of a form: the portal's forms take no files.

const place = document.querySelector("[data-table-file]");
const field = document.querySelector("textarea[name=table]");
if (place && field) {
  place.hidden = false;
  place.querySelector("input").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) field.value = await file.text();
  });
}
