"""The policy of signing in, and who falls short of it."""
