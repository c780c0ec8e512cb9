"""Documents health."""
