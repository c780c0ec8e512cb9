"""Searches of the audit log that officers keep under a name, and may share with one another."""
