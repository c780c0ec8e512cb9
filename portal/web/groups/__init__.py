"""Groups: people who hold roles together."""
