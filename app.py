"""What `flask` and servers load: `app` for WSGI, `app.asgi` for ASGI. Nothing imports it."""

import gc

from flask import Flask


def _loaded() -> Flask:
    """The portal. All of it stays: to look through what is there for garbage, again and again while it grows, takes a
    third of the time until the first page.
    """
    gc.disable()
    try:
        from portal.factory import create_app

        return create_app()
    finally:
        gc.freeze()
        gc.enable()


app = _loaded()
