"""`python -m portal` is the `portal` command."""

from portal.app import main

main()
