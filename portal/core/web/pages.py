"""One page for each kind of error; JSON for clients that asked for it."""

from contextlib import suppress

from flask import Flask, current_app, g, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from typing_extensions import override
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.routing import IntegerConverter, ValidationError

from portal.core.constraints import translate
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, PortalError, Refused, Unavailable
from portal.core.web.answers import wants_json

# What PostgreSQL says when it ends one of several transactions that wait for each other, or cannot order them.
_LOST = ("40P01", "40001")


class Number(IntegerConverter):
    """A number in an address: one that no row can have leads nowhere, and is never asked of the database."""

    LARGEST = 2**31 - 1

    @override
    def to_python(self, value: str) -> int:
        if len(value) > len(str(self.LARGEST)) or int(value) > self.LARGEST:
            raise ValidationError
        number: int = super().to_python(value)
        return number


def _answer(code: int, title: str, reason: str, messages: dict[str, str] | None = None) -> ResponseReturnValue:
    with suppress(DBAPIError):
        db.session.rollback()
    if wants_json():
        return jsonify(error=title, reason=reason, **({"messages": messages} if messages else {})), code
    return render_template("errors/error.html", code=code, title=title, reason=reason, messages=messages or {}), code


def portal_error(error: PortalError) -> ResponseReturnValue:
    """Refused, Invalid, Conflict, NotFound, Forbidden."""
    made = _answer(error.status, error.title, error.reason, error.messages if isinstance(error, Invalid) else None)
    if not isinstance(error, Unavailable):
        return made
    response = current_app.make_response(made)
    response.headers["Retry-After"] = "15"
    return response


def integrity_error(error: IntegrityError) -> ResponseReturnValue:
    """What the database refused is a lost race, in the words of its constraint."""
    current_app.logger.warning("constraint violated", exc_info=error)
    return portal_error(translate(error))


def unfit_error(error: Exception) -> ResponseReturnValue:
    """A number or a sign that the database cannot hold, which no form of ours lets anybody type."""
    current_app.logger.warning("does not fit the database", exc_info=error)
    return portal_error(Refused("This holds a number or a sign that cannot be kept. Nothing was changed."))


def database_error(error: Exception) -> ResponseReturnValue:
    """The database is away, or others have kept it busy for too long. The page is made without asking it anything.

    Where it ended this request's transaction in favour of another one, that is a lost race.
    """
    if getattr(getattr(error, "orig", None), "sqlstate", None) in _LOST:
        current_app.logger.warning("deadlock", exc_info=error)
        return portal_error(Conflict("Somebody changed the same at this moment. Nothing was saved; send it again."))
    current_app.logger.error("database failed", exc_info=error)
    with suppress(DBAPIError):
        db.session.rollback()
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]
    return portal_error(
        Unavailable("The portal cannot reach its database. Look whether what you sent was saved before you try again.")
    )


def http_error(error: HTTPException) -> ResponseReturnValue:
    """What Flask and Werkzeug raise."""
    if error.response is not None:
        return error.response
    made = _answer(error.code or 500, error.name, error.description or "")
    response = current_app.make_response(made)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def wrong_host(_error: SecurityError) -> ResponseReturnValue:
    """The request was for another name than ours; there is no address from which a page could be made."""
    return "This is not the portal's address.\n", 400, {"Content-Type": "text/plain; charset=utf-8"}


def csrf_error(_error: CSRFError) -> ResponseReturnValue:
    """The page was open too long, or the request did not come from one of our pages."""
    return _answer(
        400, "Please send it again", "This page was open for too long. Go back, reload it, and send it again."
    )


def unexpected(error: Exception) -> ResponseReturnValue:
    """A fault of ours: logged with its trace, told without it."""
    cause = getattr(error, "original_exception", None) or error
    current_app.logger.error("unhandled", exc_info=cause)
    return _answer(500, "Something went wrong", "The fault is ours and has been noted. Nothing was saved.")


def init_pages(app: Flask) -> None:
    """Register the pages, and what numbers in addresses may be."""
    app.url_map.converters["int"] = Number
    app.register_error_handler(PortalError, portal_error)
    app.register_error_handler(IntegrityError, integrity_error)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, database_error)
    app.register_error_handler(DataError, unfit_error)
    app.register_error_handler(OverflowError, unfit_error)
    app.register_error_handler(CSRFError, csrf_error)
    app.register_error_handler(SecurityError, wrong_host)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(500, unexpected)
