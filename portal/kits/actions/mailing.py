"""What a member wants to be told by mail."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core import audit
from portal.core.db import insert
from portal.kits.models import MailChoice
from portal.kits.rules.mails import ALWAYS
from portal.kits.states.mails import Topic


def choose(session: Session, member: Member, wanted: Collection[Topic], *, at: datetime) -> None:
    """Set what a member is told; what one cannot go without is not asked."""
    for topic in Topic:
        if topic in ALWAYS:
            continue
        said = {"wanted": topic in wanted, "chosen_at": at}
        made = insert(session, MailChoice).values(member_id=member.id, topic=topic, **said)
        session.execute(made.on_conflict_do_update(index_elements=["member_id", "topic"], set_=said))
    audit.record(
        session, "kits:choose-mails", f"member:{member.id}", by=member.account_id, at=at,
        scope=member.participant.challenge.slug, after={"wanted": sorted(topic.value for topic in wanted)},
    )  # fmt: skip
