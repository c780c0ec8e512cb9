"""The organisation's keys."""
