"""Whether contents are what was stored: read back round by round, and told where they are not."""
