"""Closing the organisation for good."""
