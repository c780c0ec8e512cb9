"""As `django-admin startproject` and the documentation of django-tenants have them."""

import os
from pathlib import Path

from sqlalchemy import make_url

_url = make_url(os.environ["BENCH_DATABASE_URL"])
_here = "bench.yardsticks.django_page"

SECRET_KEY = "a secret that signs the cookies of the yardsticks only"
DEBUG = False
ALLOWED_HOSTS = [".localhost"]
DATABASES = {
    "default": {
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": _url.database,
        "USER": _url.username,
        "PASSWORD": _url.password,
        "HOST": _url.host,
        "PORT": _url.port,
        "CONN_MAX_AGE": None,
    }
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_MODEL = "organisations.Organisation"
TENANT_DOMAIN_MODEL = "organisations.Domain"
SHARED_APPS = ["django_tenants", f"{_here}.organisations"]
TENANT_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    f"{_here}.documents",
]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]
MIGRATION_MODULES = {
    app.rpartition(".")[2]: None for app in INSTALLED_APPS
}  # tables are made at once
MIDDLEWARE = [
    "django_tenants.middleware.main.TenantMainMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = f"{_here}.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
