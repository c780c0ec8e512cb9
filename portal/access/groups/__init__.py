"""People who hold roles together: groups filled by hand, or by what a provider says of them."""
