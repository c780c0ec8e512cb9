"""What everything stands on: the declarative base, the clock, identifiers, errors, settings."""
