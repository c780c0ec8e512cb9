"""Pages that tell why somebody may do something, and who could at a past time."""
