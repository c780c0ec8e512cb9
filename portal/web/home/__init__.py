"""The apex page, and the way in."""
