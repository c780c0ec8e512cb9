"""The members of the organisation, for admins."""
