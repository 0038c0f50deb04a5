"""What `flask` and servers load: `app` for WSGI, `app.asgi` for ASGI. Nothing imports it."""

import gc
import sys

from flask import Flask


def _loaded() -> Flask:
    """The portal. All of it stays: to look through what is there for garbage, again and again while it grows, takes a
    third of the time until the first page. structlog would load Rich, to draw faults on terminals; ours are JSON.
    """
    gc.disable()
    without = "rich" not in sys.modules
    if without:
        sys.modules["rich"] = None  # type: ignore[assignment] # then an import of it fails
    try:
        from portal.factory import create_app

        return create_app()
    finally:
        if without:
            del sys.modules["rich"]
        gc.freeze()
        gc.enable()


app = _loaded()
