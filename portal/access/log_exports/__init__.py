"""Taking the audit log out of the portal: asked for, maybe agreed to by a second person, then read
out in batches for a day, as long as whoever asked still may.
"""
