"""`python -m portal` is the `portal` command."""

from portal.command import main

main()
