"""What strangers see who were given a sharing link."""
