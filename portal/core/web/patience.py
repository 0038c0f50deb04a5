"""Bodies of requests, whoever sends them and to which page: waited for only while they come fast enough."""

import os
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from flask import Flask, request

from portal.core.pace import Crowd, Pace, Patient, Watch

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BODILESS = ("GET", "HEAD", "OPTIONS")
# Werkzeug takes an empty file for none where a form comes to it byte by byte.
FIRST_OF_FORM = 4096
PATIENT = "portal.patient"
HANG_UP = "portal.hang_up"
# Under which names servers give the connection of a request.
SOCKETS = ("gunicorn.socket", "werkzeug.socket")
# What threads of this process share.
_crowd, _watch = Crowd(), Watch()


def init_patience(app: Flask) -> None:
    """Let every body come at its own pace, within bounds."""
    app.wsgi_app = Patience(app, app.wsgi_app)  # type: ignore[method-assign]


def pace_of(app: Flask) -> Pace:
    """How slowly bytes may come."""
    return cast(Pace, app.config.get("PACE") or Pace())


def patient() -> Patient:
    """The body of this request, which is none that has no body."""
    return cast(Patient, request.environ[PATIENT])


class Patience:
    """What stands between a server and the application."""

    def __init__(self, app: Flask, inner: "WSGIApplication") -> None:
        self._app, self._inner = app, inner

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request. Nothing more is read of it once the answer begins."""
        if environ["REQUEST_METHOD"] in BODILESS:
            return self._inner(environ, start_response)
        first = FIRST_OF_FORM if "form" in environ.get("CONTENT_TYPE", "") else 1
        waited_for = Patient(environ["wsgi.input"], pace_of(self._app), _crowd, first, hang_up=hang_up(environ))
        environ["wsgi.input"] = environ[PATIENT] = waited_for
        _watch.begin(waited_for)
        try:
            return self._inner(environ, start_response)
        finally:
            _watch.end(waited_for)
            waited_for.leave()


def hang_up(environ: "WSGIEnvironment") -> Callable[[], None] | None:
    """How a read of this request's body is ended from another thread, where its server offers a way."""
    if HANG_UP in environ:
        return cast(Callable[[], None], environ[HANG_UP])
    connection = next((environ[name] for name in SOCKETS if name in environ), None)
    # Other streams of the same connection would end as well.
    if connection is None or environ.get("SERVER_PROTOCOL", "").startswith("HTTP/2"):
        return None

    def end() -> None:
        # A copy, because an encrypted connection would forget that it is one. What it has to say can still be said.
        try:
            with socket.socket(fileno=os.dup(connection.fileno())) as plain:
                plain.shutdown(socket.SHUT_RD)
        except OSError:
            return

    return end
