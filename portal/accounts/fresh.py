"""Before what cannot be undone or gives power, the password (or passkey) is asked for again."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, cast
from urllib.parse import urlsplit

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import check_and_update_authn_fresh

from portal.core.web import wants_json

Parameters = ParamSpec("Parameters")


def fresh(view: Callable[Parameters, ResponseReturnValue]) -> Callable[Parameters, ResponseReturnValue]:
    """Put below the audience: whose sign-in is older than half an hour proves again that it is they."""

    @wraps(view)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> ResponseReturnValue:
        settings = current_app.config
        if check_and_update_authn_fresh(settings["SECURITY_FRESHNESS"], settings["SECURITY_FRESHNESS_GRACE_PERIOD"]):
            return view(*args, **kwargs)
        if wants_json():
            return {"error": "Sign in again", "reason": "This asks for a fresh sign-in."}, 401
        flash("This asks for your password once more.", "info")
        return redirect(url_for("security.verify", next=_back()))

    return cast(Callable[Parameters, ResponseReturnValue], checked)


def _back() -> str:
    """Where to go on: this page, or the one whose form was sent."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    before = urlsplit(request.referrer or "")
    return before.path if before.netloc == request.host else "/home"
