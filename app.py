"""What `flask` and WSGI servers load. Nothing imports it."""

from portal.factory import create_app

app = create_app()
