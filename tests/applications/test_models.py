"""What the database refuses."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState, Decision, Disqualified
from tests.applications.conftest import Desk
from tests.cast import NOON

S = ApplicationState


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("decided_whole", {"decided_at": NOON, "state": S.WITHDRAWN}),
        ("decided_has_decider", {"state": S.DECLINED}),
        ("decided_has_decider", {"state": S.ACCEPTED}),
        ("open_is_undecided", {"decided_at": NOON, "decided_by_id": "lead"}),
        ("invited_has_deadline", {"state": S.INVITED, "decided_at": NOON, "decided_by_id": "lead"}),
        ("disqualified_has_kind", {"state": S.DISQUALIFIED}),
        ("disqualified_has_kind", {"disqualified": Disqualified.SPAM, "disqualified_reason": "spam"}),
        ("disqualified_has_reason", {"state": S.DISQUALIFIED, "disqualified": Disqualified.SPAM}),
        (
            "duplicate_has_original",
            {"state": S.DISQUALIFIED, "disqualified": Disqualified.DUPLICATE, "disqualified_reason": "twice"},
        ),
        ("submitted_has_time", {"submitted_at": None}),
        ("pending_has_time", {"pending_decision": Decision.INVITE}),
        ("score_has_reviews", {"review_count": 1}),
        ("score_has_reviews", {"score_mean": 3.0}),
    ],
)
def test_states_and_data_fit(session: Session, desk: Desk, name: str, values: dict[str, Any]) -> None:
    application = desk.submitted()
    filled = {key: desk.cast.lead.id if value == "lead" else value for key, value in values.items()}

    with pytest.raises(sa.exc.IntegrityError, match=name):
        session.execute(sa.update(Application).where(Application.id == application.id).values(**filled))


def test_an_application_is_no_duplicate_of_itself(session: Session, desk: Desk) -> None:
    application = desk.submitted()
    values = {"state": S.DISQUALIFIED, "disqualified": Disqualified.DUPLICATE, "disqualified_reason": "twice",
              "duplicate_of_id": application.id}  # fmt: skip

    with pytest.raises(sa.exc.IntegrityError, match="duplicate_of_another"):
        session.execute(sa.update(Application).where(Application.id == application.id).values(**values))
