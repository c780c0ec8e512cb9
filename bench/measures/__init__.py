"""One module a subject: `measure(site, effort)` gives the lines of its figures."""
