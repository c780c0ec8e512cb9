"""The page."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bench.yardsticks.contents import PAGE_SIZE
from bench.yardsticks.django_page.documents.models import Document


@login_required
def documents(request: HttpRequest) -> HttpResponse:
    """The newest documents with their owners."""
    found = Document.objects.order_by("-updated_at", "-id").prefetch_related("owner")[:PAGE_SIZE]
    return render(request, "documents.html", {"documents": found})


def show(_request: HttpRequest, document_id: int) -> Any:
    """Something to link to."""
    return HttpResponse(str(document_id))
