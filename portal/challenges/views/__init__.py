"""Challenges over HTTP: the public pages, the agreement, teams, and what the staff set."""

from flask import Blueprint

import portal.challenges.personal as _personal  # puts itself into the registry of personal data

blueprint = Blueprint("challenges", __name__)

from portal.challenges.views import agreements, people, public, settings, team  # noqa: E402 - they need the blueprint

__all__ = ["_personal", "agreements", "blueprint", "people", "public", "settings", "team"]
