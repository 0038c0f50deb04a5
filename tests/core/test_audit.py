"""The chain of the audit."""

from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.audit import AuditEntry
from tests.cast import NOON


def entries(session: Session) -> list[AuditEntry]:
    return list(session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)))


def record(session: Session, subject: str) -> None:
    audit.record(session, "tests:act", subject, by=7, at=NOON, before={"state": "a"}, after={"state": "b"})


def test_entries_are_chained_in_the_order_of_commits(session: Session) -> None:
    record(session, "thing:1")
    record(session, "thing:2")
    session.commit()
    record(session, "thing:3")
    session.commit()

    first, second, third = entries(session)
    assert first.previous == audit.GENESIS
    assert (second.previous, third.previous) == (first.hash, second.hash)
    assert audit.first_broken(session) is None


def test_the_chain_holds_in_whichever_zone_a_time_comes(session: Session) -> None:
    audit.record(session, "room:act", "thing:1", by=1, at=NOON.astimezone(ZoneInfo("Pacific/Chatham")))
    session.commit()

    assert session.scalars(sa.select(AuditEntry.at)).one() == NOON
    assert audit.first_broken(session) is None


def test_what_was_rolled_back_leaves_no_entry(session: Session) -> None:
    record(session, "thing:1")
    session.rollback()
    record(session, "thing:2")
    inner = session.begin_nested()
    record(session, "thing:3")
    inner.rollback()
    session.commit()

    assert [entry.subject for entry in entries(session)] == ["thing:2"]


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET actor_id = 9", "DELETE FROM audit_entry"])
def test_the_database_refuses_to_change_the_past(session: Session, statement: str) -> None:
    record(session, "thing:1")
    session.commit()

    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        session.execute(sa.text(statement))
    session.rollback()


def test_a_forged_row_is_found(session: Session) -> None:
    record(session, "thing:1")
    record(session, "thing:2")
    session.commit()
    forged = entries(session)[1]
    forged_id = forged.id
    session.execute(
        sa.insert(AuditEntry).values(
            at=NOON, tag="tests:act", subject="thing:3", actor_id=7, detail={}, previous=forged.hash, hash="f" * 64
        )
    )
    session.commit()

    broken = audit.first_broken(session)
    assert broken is not None
    assert broken.id == forged_id + 1
