"""A participant's own awards."""

from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from flask import render_template
from flask.typing import ResponseReturnValue

from portal.accounts.gate import signed_in
from portal.awards import queries, states
from portal.awards.models import Award, Payment
from portal.awards.states import PaymentState
from portal.awards.views import blueprint
from portal.challenges.access import member_or_404
from portal.core.db import db


class Thread(NamedTuple):
    """What was decided for a report or a part of it, the oldest first, and the money that came of it."""

    entries: list[Award]
    payments: list[Payment]

    @property
    def stands(self) -> Award:
        """The entry that holds."""
        return self.entries[-1]


def threads(participant_id: int) -> list[Thread]:
    """A participant's, the latest decision first."""
    payments = queries.of_participant(db.session, participant_id)
    entries = queries.approved_of_participant(db.session, participant_id)
    found = [
        Thread(list(group), payments.get(key, []))
        for key, group in groupby(entries, key=lambda award: (award.report_id, award.part))
    ]
    return sorted(found, key=lambda thread: (thread.stands.state_since, thread.stands.id), reverse=True)


@blueprint.get("/challenges/<slug>/awards")
@signed_in
def mine(slug: str) -> ResponseReturnValue:
    """What a participant has been awarded, what was changed later and why, and where the money is."""
    member = member_or_404(slug)
    found = threads(member.participant_id)
    own = [each for thread in found for each in thread.payments if each.account_id == member.account_id]
    arrived = [each.amount for each in own if each.state is PaymentState.PAID]
    coming = [each.amount for each in own if each.state in states.OPEN | {PaymentState.SENT}]
    return render_template(
        "awards/mine.html", challenge=member.participant.challenge, threads=found, account_id=member.account_id,
        awarded=sum((thread.stands.amount for thread in found), Decimal(0)), arrived=sum(arrived, Decimal(0)),
        coming=sum(coming, Decimal(0)), team=len(queries.team(db.session, member.participant_id)) > 1,
    )  # fmt: skip
