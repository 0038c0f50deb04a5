"""What is handed over of a person's awards."""

from sqlalchemy.orm import Session

from portal.accounts import personal
from tests.awards.conftest import Jury
from tests.cast import Cast


def test_the_export_tells_granted_awards_to_every_member(session: Session, cast: Cast, jury: Jury) -> None:
    granted = jury.award(jury.report(participant=cast.team))
    jury.propose(jury.report(participant=cast.team))
    session.commit()

    for member in (cast.team_lead, cast.colleague):
        (told,) = personal.export(session, member.id)["awards"]["awards"]
        assert (told["report"], told["amount"], told["currency"]) == (granted.report_id, "48000.00", "USD")
    assert personal.export(session, cast.researcher.id)["awards"] == {"awards": []}
