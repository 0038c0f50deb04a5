"""Applicants and what they tell."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications import actions
from portal.applications.models import Application
from portal.applications.rules import Content
from portal.applications.states import ApplicantKind, ApplicationState
from portal.challenges.models import Challenge, Scenario
from tests.cast import NOON, Cast, make_account

LINK = "https://example.org/~ada/cve-2019-1234"
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxsBNBF\n-----END PGP PUBLIC KEY BLOCK-----"


def scenarios(session: Session, challenge: Challenge) -> dict[str, int]:
    """The scenarios' numbers by code."""
    rows = session.execute(sa.select(Scenario.code, Scenario.id).where(Scenario.challenge_id == challenge.id))
    return dict(rows.all())


class Desk:
    """Where applications are written."""

    def __init__(self, session: Session, cast: Cast) -> None:
        self.session = session
        self.cast = cast
        self.codes = scenarios(session, cast.challenge)

    def content(self, *codes: str, **changes: Any) -> Content:
        """Everything that submitting asks for."""
        told: dict[str, Any] = {
            "name": "Ada Applicant", "handle": "ada", "affiliation": "Analytical Engines", "country": "FR",
            "kind": ApplicantKind.SINGLE, "links": (LINK,),
            "scenario_ids": frozenset(self.codes[code] for code in codes or ("G1",)),
            "experience": "Ten years of embedded systems.", "plan": "Read the network daemon.",
            "kit_use": "Glitch nothing, trace everything.", "adult": True, "permitted": True, "independent": True,
            "agrees": True,
        }  # fmt: skip
        return Content(**{**told, **changes})

    def draft(self, account: Account | None = None, content: Content | None = None) -> Application:
        """A saved draft, committed."""
        who = account or self.cast.applicant
        application = actions.start_draft(self.session, self.cast.challenge, who, at=NOON)
        actions.save_draft(self.session, application, content or self.content(name=who.name), version=0, at=NOON)
        self.session.commit()
        return application

    def submitted(self, account: Account | None = None, content: Content | None = None) -> Application:
        """A submitted application, committed."""
        who = account or self.cast.applicant
        application = self.draft(who, content)
        actions.submit_application(self.session, application, who, at=NOON)
        self.session.commit()
        return application

    def crowd(self, names: Iterable[str], **columns: Any) -> list[Application]:
        """Submitted applications of new accounts, written directly; the n-th is n minutes old."""
        made = []
        for number, name in enumerate(names):
            account = make_account(self.session, name)
            values: dict[str, Any] = {
                "country": "DE", "state": ApplicationState.SUBMITTED, "affiliation": "", "handle": "", "kit_use": "",
                "experience": "long " * 100, "plan": "", "rnd": number, **columns,
            }  # fmt: skip
            if "score_mean" in values:
                values.setdefault("score_adjusted", values["score_mean"])
            made.append(
                Application(
                    challenge_id=self.cast.challenge.id, account_id=account.id,
                    canonical_email=account.canonical_email, name=name, state_since=NOON, created_at=NOON,
                    saved_at=NOON, submitted_at=NOON - timedelta(minutes=number), team=[], links=[], flags=[],
                    screening={}, **values,
                )
            )  # fmt: skip
        self.session.add_all(made)
        self.session.commit()
        return made


@pytest.fixture
def desk(session: Session, cast: Cast) -> Desk:
    """The desk."""
    return Desk(session, cast)
