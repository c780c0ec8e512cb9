"""The audit log, for compliance officers."""
