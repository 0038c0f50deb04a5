"""What the selection keeps of a person, and what is forgotten with them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.applications.models import Application
from portal.selection.models import Review


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """The reviews that the person wrote."""
    written = session.scalars(sa.select(Review).where(Review.reviewer_id == account_id).order_by(Review.id))
    return {
        "reviews_written": [
            {"application": review.application_id, "score": review.score, "comment": review.comment,
             "written_at": review.created_at, "changed_at": review.updated_at}
            for review in written
        ]
    }  # fmt: skip


def erase(session: Session, account_id: int, _at: datetime) -> None:
    """Forget what was written about the person's applications. The scores stay for the statistics."""
    about = sa.select(Application.id).where(Application.account_id == account_id)
    session.execute(
        sa.update(Review)
        .where(Review.application_id.in_(about))
        .values(comment="")
        .execution_options(synchronize_session="fetch")
    )


personal.exporters["selection"] = exported
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "Reviews of your application: scores and comments",
        "To choose who takes part fairly. Only the staff reads them.",
        "Comments until you erase your account; scores without a name stay for the statistics.",
    )
)
