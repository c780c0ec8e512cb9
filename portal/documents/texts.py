"""Reading a content as text."""

import codecs

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# No text holds them, and most of what is no text soon does.
CONTROLS = {chr(n) for n in range(32)} - set("\t\n\f\r")


def find_text(content: bytes, *, is_cut: bool = False) -> str | None:
    """The text, in UTF-8, in UTF-16 by its mark, or as old Windows wrote it; None for none of them.

    With `is_cut` the content goes on, and a character at its end may be broken.
    """
    by_mark = next((name for mark, name in MARKS if content.startswith(mark)), None)
    for encoding in (by_mark,) if by_mark else ("utf-8", "cp1252"):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(content, not is_cut)
        except UnicodeDecodeError:
            continue
        return None if CONTROLS & set(text) else text
    return None
