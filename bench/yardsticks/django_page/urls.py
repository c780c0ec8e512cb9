"""The addresses of the page."""

from django.urls import path

from bench.yardsticks.django_page.documents import views

urlpatterns = [
    path("documents", views.documents, name="documents"),
    path("documents/<int:document_id>", views.show, name="show"),
]
