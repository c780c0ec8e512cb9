"""What a name may consist of, whoever or whatever bears it."""

import unicodedata

# Alphabets with letters that look like those of another one. Scripts that are written together,
# such as those of Japanese, are not among them.
_ALIKE = frozenset({"ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LATIN"})

_DOTLESS_I = "\u0131"
_JOINERS = "\u200c\u200d"  # part of how Persian, Indic scripts and many emoji are written


def is_one_line(text: str) -> bool:
    """Whether `text` holds nothing that breaks lines, turns their direction, or can't be seen."""
    return not any(
        unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in _JOINERS
        for c in text
    )


def as_one_line(text: str) -> str:
    """A text from outside as it can be shown anywhere: what can't be in a line is replaced."""
    return "".join(c if is_one_line(c) else "\N{REPLACEMENT CHARACTER}" for c in text)


def mixes_alphabets(text: str) -> bool:
    """Whether a word of `text` has letters of two alphabets that look alike."""
    words = unicodedata.normalize("NFKC", text).split()
    return any(len(_ALIKE & {_alphabet(c) for c in word}) > 1 for word in words)


def skeleton(text: str) -> str:
    """What is left of a name to somebody who reads it quickly: to compare, never to show."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    apart = unicodedata.normalize("NFKD", folded.replace(_DOTLESS_I, "i"))
    return "".join(c for c in apart if c.isalnum())


def folded(text: str) -> str:
    """A text as it is searched: neither case nor accents tell letters apart."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def _alphabet(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0] if character.isalpha() else ""
