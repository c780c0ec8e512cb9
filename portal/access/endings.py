"""How something ended that waited for somebody's decision."""

from enum import StrEnum


class Ending(StrEnum):
    """Nothing waits once it has one of these."""

    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"  # whoever asked had lost the right to
