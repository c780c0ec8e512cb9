"""Ways in: passwords, TOTP, invitations, sessions, and the steps of signing in."""
