"""Finding what looks like the same person twice."""

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.core.todo import Queue


def queue_of_duplicates(session: Session, challenge: Challenge) -> Queue:
    """How many clusters wait for somebody's judgement."""
    return Queue("Possible duplicates", f"/staff/{challenge.slug}/applications/duplicates", 0)
