"""Single sign-on by OpenID Connect, each tenant with providers of its own."""
