"""How long documents are kept: rules, legal holds, the next run and erasure."""
