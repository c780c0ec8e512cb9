"""The health of documents."""
