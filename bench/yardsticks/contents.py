"""The rows that every page lists, the same for all."""

PAGE_SIZE = 50
TENANTS = [(f"{name}-works", f"{name.title()} Works") for name in ("amber", "birch", "cedar")]
PEOPLE = [(f"person{n}@example.org", f"Person Number {n}") for n in range(10)]
FOLDERS = ["Contracts", "Field readings", "Minutes & notes"]
TYPES = ["application/pdf", "text/csv", "image/png", "application/octet-stream"]
DOCUMENTS = [
    (f"Quarterly report {n:04} <draft>", TYPES[n % len(TYPES)], 1000 + n * n * 997)
    for n in range(500)
]
