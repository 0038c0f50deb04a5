"""Awards over HTTP: proposing, deciding, paying, the rules, and a participant's own."""

from flask import Blueprint

blueprint = Blueprint("awards", __name__)

from portal.awards.views import participant, payments, results, staff, versions  # noqa: E402

__all__ = ["blueprint", "participant", "payments", "results", "staff", "versions"]
