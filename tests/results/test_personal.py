"""What is handed over of those who are thanked, and what is forgotten with them."""

from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.results import actions, queries
from portal.results.personal import erase
from tests.cast import NOON, Cast


def test_a_name_is_told_and_forgotten(session: Session, cast: Cast) -> None:
    actions.consent(session, cast.member, "Rosa R.", at=NOON)
    actions.consent(session, cast.team.members[0], "Tamar", at=NOON)
    session.commit()
    told = personal.export(session, cast.researcher.id)["results"]
    assert told == {"acknowledgements": [{"name": "Rosa R.", "link": None, "given_at": NOON}]}

    erase(session, cast.researcher.id, NOON)
    session.commit()

    assert [each.name for each in queries.acknowledgements(session, cast.challenge.id)] == ["Tamar"]
