"""Entries of the audit log in the words of security monitoring: what SIEM systems take in."""
