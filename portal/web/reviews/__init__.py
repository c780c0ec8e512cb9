"""Access reviews, for officers and for those whom they name to review."""
