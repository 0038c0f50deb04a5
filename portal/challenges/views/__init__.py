"""Challenges over HTTP: the public pages, the agreement, teams, resources and news, and what the staff set."""

from flask import Blueprint

import portal.challenges.personal as _personal  # puts itself into the registry of personal data

blueprint = Blueprint("challenges", __name__)

from portal.challenges.views import (  # noqa: E402 - they need the blueprint
    agreements,
    announcing,
    news,
    people,
    public,
    publishing,
    resources,
    settings,
    team,
)

__all__ = [
    "_personal",
    "agreements",
    "announcing",
    "blueprint",
    "news",
    "people",
    "public",
    "publishing",
    "resources",
    "settings",
    "team",
]
