"""Documents."""

from django.conf import settings
from django.db import models


class Document(models.Model):
    """A document, with its name in clear."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=255)
    media_type = models.CharField(max_length=120)
    size_bytes = models.BigIntegerField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-updated_at", "-id"])]  # noqa: RUF012  # as Django has it
