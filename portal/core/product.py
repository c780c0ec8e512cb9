"""What other programs know the portal by."""

from importlib.metadata import version

NAME = "Tenant Portal"
VERSION = version("tenant-portal")
