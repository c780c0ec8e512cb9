"""Tenants and the hosts that lead to them."""

from django.db import models
from django_tenants.models import DomainMixin, TenantMixin


class Organisation(TenantMixin):
    """A tenant, with a schema of its own."""

    name = models.CharField(max_length=200)
    auto_create_schema = False


class Domain(DomainMixin):
    """A host."""
