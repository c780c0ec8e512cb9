"""Destinations of the audit log: where a tenant sends its checkpoints, entries and alerts, so that
they lie where nobody who runs the portal comes.

`ways/` are the four ways there. Checkpoints and alerts go by the outbox (`deliveries`), entries as
a stream with a cursor of its own for each destination (`stream`).
"""
