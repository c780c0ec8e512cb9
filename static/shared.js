// The secret of a link stands behind the # of its address, which no browser sends: it is put into the form that does.
function open() {
  const form = document.getElementById("open");
  if (location.hash.length > 1) {
    form.elements.address.value = location.hash;
    history.replaceState(null, "", location.pathname); // or it would stay in the history of the browser
    form.submit();
  }
}

addEventListener("hashchange", open);
open();
