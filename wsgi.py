"""The WSGI application, for gunicorn and any other server: `gunicorn wsgi:app`."""

from portal.app import create_wsgi_app

app = create_wsgi_app()
