"""Sharing links, for those who make them and those who see to them."""
