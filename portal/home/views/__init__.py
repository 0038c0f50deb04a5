"""The landing page, what to do next, and the staff's engine room."""

from flask import Blueprint

blueprint = Blueprint("home", __name__)

from portal.home.views import public, staff  # noqa: E402 - they need the blueprint

__all__ = ["blueprint", "public", "staff"]
