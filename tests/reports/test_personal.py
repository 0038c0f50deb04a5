"""What is handed over of a person's reports, and what is forgotten with them."""

from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.reports.actions import keys
from portal.reports.models import Report
from portal.reports.personal import erase
from portal.reports.queries.keys import live_token
from tests.cast import NOON, Cast


def test_the_export_tells_what_is_in_clear(session: Session, cast: Cast, draft: Report) -> None:
    keys.make_token(session, cast.challenge.id, "laptop", by=cast.researcher.id, at=NOON)
    session.commit()

    told = personal.export(session, cast.researcher.id)["reports"]

    assert [(found["reference"], found["title"], found["state"]) for found in told["reports"]] == [
        (draft.ref, "Report about the network daemon", "uploading")
    ]
    assert told["tokens"] == [{"name": "laptop", "created_at": NOON}]
    assert personal.export(session, cast.colleague.id)["reports"]["reports"] == []


def test_erasing_ends_the_tokens(session: Session, cast: Cast) -> None:
    secret = keys.make_token(session, cast.challenge.id, "laptop", by=cast.researcher.id, at=NOON)
    session.commit()
    assert live_token(session, secret, NOON) is not None

    erase(session, cast.researcher.id, NOON)
    session.commit()

    assert live_token(session, secret, NOON) is None
