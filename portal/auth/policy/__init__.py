"""How the people of a tenant sign in: chosen by its admins, within the installation's floor."""
