"""Asking for access, and what becomes of it."""
