"""The audit log: who did what to which thing, with what outcome, from where."""
