"""Pages of lists, counted from 1."""


def page_within(page: int, total: int, size: int) -> tuple[int, int]:
    """The page nearest to the one that is asked for, and how many there are: at least one."""
    pages = max(1, -(-total // size))
    return min(max(1, page), pages), pages
