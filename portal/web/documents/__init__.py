"""Folders and documents."""
