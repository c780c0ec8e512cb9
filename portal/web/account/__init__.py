"""A person's own password, authenticator and sessions."""
