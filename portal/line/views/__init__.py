"""The pages of the line: a participant's own conversation, and the team's inbox."""

from flask import Blueprint

blueprint = Blueprint("line", __name__)

from portal.line.views import mails, participant, settings, staff  # noqa: E402 - they need the blueprint

__all__ = ["blueprint", "mails", "participant", "settings", "staff"]
