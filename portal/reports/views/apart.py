"""Who takes part in a challenge and works for it as well: the staff side of what is theirs is for others."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import current_app, request
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import audience_of
from portal.challenges.access import challenge_or_404
from portal.core.db import db
from portal.core.errors import Forbidden, NotFound
from portal.reports.queries.apart import is_impartial, is_own
from portal.reports.views.who import by_token, triager

Given = ParamSpec("Given")
View = Callable[Given, ResponseReturnValue]


def keep_from_own() -> None:
    """No triager sees the staff side of a report of a participant to whom they belong, whatever the page."""
    audience, told = audience_of(current_app, request.endpoint or ""), request.view_args or {}
    if audience is None or not audience.roles or not {"slug", "ref"} <= told.keys():
        return
    reader = triager(told["slug"])[1] if by_token() else current_account()
    if is_own(db.session, told["slug"], told["ref"], reader.id):
        raise NotFound("report")


def impartial(what: str) -> Callable[[View[Given]], View[Given]]:
    """Put below the audience: `what` is for those of the team who take no part in the challenge, as a whole.

    It has numbers of its own, or gathers reports of several: to leave out a person's own would tell of them.
    """

    def keeping(view: View[Given]) -> View[Given]:
        @wraps(view)
        def kept(*args: Given.args, **told: Given.kwargs) -> ResponseReturnValue:
            challenge = challenge_or_404(str(told["slug"]))
            if not is_impartial(db.session, challenge.id, current_account().id):
                raise Forbidden(f"You take part in the challenge. {what} are for those of the team who do not.")
            return view(*args, **told)

        return kept

    return keeping
