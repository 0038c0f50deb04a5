"""Loading is authorising: the challenge of an address, and the signed-in person's place in it."""

from flask import Flask, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.challenges import queries
from portal.challenges.models import Challenge, Member
from portal.core.db import db
from portal.core.errors import NotFound, PortalError
from portal.core.web import wants_json


class AgreementNeeded(PortalError):
    """The current agreement is not signed; whoever meets this is sent to where it is."""

    status = 403
    title = "Please sign the agreement first"

    def __init__(self, slug: str, back_to: str) -> None:
        super().__init__("Kits, office hours, reports and resources open once you have signed the current agreement.")
        self.slug = slug
        self.back_to = back_to


def challenge_or_404(slug: str, *, scenarios: bool = False) -> Challenge:
    """The challenge of the address, with its scenarios where they will be asked for. Raises NotFound."""
    return queries.challenge_by_slug(db.session, slug, scenarios=scenarios)


def member_or_404(slug: str, *, signed: bool = True) -> Member:
    """The signed-in person's place in the challenge.

    Raises NotFound for strangers and, unless `signed` is false, AgreementNeeded where the newest version of the
    agreement does not bear the person's name.
    """
    challenge, account = challenge_or_404(slug), current_account()
    member = queries.membership(db.session, challenge.id, account.id)
    if member is None:
        raise NotFound
    agreement = queries.current_agreement(db.session, challenge.id) if signed else None
    if agreement and not queries.signature_of(db.session, agreement, account.id):
        raise AgreementNeeded(slug, request.full_path.rstrip("?") if request.method == "GET" else "")
    return member


def init_access(app: Flask) -> None:
    """Send whoever has to sign first to where that is done."""

    @app.errorhandler(AgreementNeeded)
    def sign_first(error: AgreementNeeded) -> ResponseReturnValue:
        if wants_json():
            return {"error": error.title, "reason": error.reason}, error.status
        flash(error.reason, "info")
        return redirect(url_for("challenges.agreement", slug=error.slug, next=error.back_to or None))
