"""Signing in and out, and accepting an invitation."""
