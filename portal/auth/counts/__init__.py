"""Counts of tries at secrets: the rules for them, and the places where they may be kept."""
