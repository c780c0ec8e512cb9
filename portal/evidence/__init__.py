"""What proves the audit log: its checkpoints, signed by the tenant's key, and its verification."""
