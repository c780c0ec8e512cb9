"""Access as of a past time, replayed from the audit log."""
