"""Second factors: authenticator applications, passkeys, and recovery codes for a bad day."""
