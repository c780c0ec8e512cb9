"""Four eyes: acts for which a tenant wants a second person."""
