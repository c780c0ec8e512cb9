"""Folders, documents and their versions; `cipher` is the format of their contents at rest."""
