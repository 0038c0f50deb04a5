"""The blueprint of the room."""

from flask import Blueprint

blueprint = Blueprint("selection", __name__)
