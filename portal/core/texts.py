"""What a name may consist of, whoever or whatever bears it."""

import unicodedata

_JOINERS = "\u200c\u200d"  # part of how Persian, Indic scripts and many emoji are written


def is_one_line(text: str) -> bool:
    """Whether `text` holds nothing that breaks lines, turns their direction, or can't be seen."""
    return not any(
        unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in _JOINERS
        for c in text
    )
