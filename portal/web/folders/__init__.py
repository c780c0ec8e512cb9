"""What is done to folders."""
