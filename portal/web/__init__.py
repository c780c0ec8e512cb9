"""Flask: lifecycle, guards, headers, and one package a group of pages."""
