"""A tenant's documents, in its schema."""
