"""How long a tenant's audit log is kept: chosen by officers, planned, and carried out."""
