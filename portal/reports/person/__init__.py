"""All that the organisation holds about one person, for that person (GDPR, Articles 15 and 20)."""
