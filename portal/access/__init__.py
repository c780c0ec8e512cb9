"""Permissions, roles, assignments, and the one function that decides."""
