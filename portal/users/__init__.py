"""People and their states."""
