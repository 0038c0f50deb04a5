"""The direct line of the demonstration: conversations in every state, some answered late, mails that were refused."""

from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.demo.world import Stage, World
from portal.line.actions import conversations, desk
from portal.line.actions.conversations import Draft
from portal.line.actions.reading import mark_read
from portal.line.addresses import Addresses
from portal.line.models import Conversation, Incoming, Message
from portal.line.queries.conversations import newest, of_participant
from portal.line.rules import Days
from portal.line.states import Author, Outcome, Via

PARTICIPANT, TEAM, NOTE, SETTLE, HAND_OVER = "participant", "team", "note", "settle", "hand over"


class Turn(NamedTuple):
    """What is done so many hours before now, and by whom of the team."""

    hours: float
    what: str
    text: str = ""
    who: str = "host1"
    subject: str = ""
    by_mail: bool = False


CANNED = (
    ("Where the kernel's source is", "The source of each release is on the resources page, under its build number. "
     "Build it with `make device_defconfig`; the page says which compiler we use."),
    ("That belongs into a report", "Thank you. What you describe may be a vulnerability, so please **send it as "
     "a sealed report** and leave the details out here. We look at every report within a business day."),
    ("A kit has not arrived", "The carrier's news stand on your kit page. If nothing has moved for five days, tell us "
     "the parcel's number and we ask there."),
)  # fmt: skip
# Each is one participant's conversation.
TALKS: tuple[tuple[Turn, ...], ...] = (
    (Turn(3, PARTICIPANT, "The boot log stops after `stage 2: ok` on one of my two boards. Is there a way to get "
          "more of it without opening the case?", subject="Boot log stops"),),
    (Turn(100, PARTICIPANT, "Which build should I test against when the monthly update comes in the middle of my "
          "work? I would rather stay on the one that I know.", subject="Pinned builds"),
     Turn(52, PARTICIPANT, "Has anybody seen this? The update is due on Tuesday.", by_mail=True)),
    (Turn(150, PARTICIPANT, "Does the manifest's `AllowedConnections` also bind the debug shell, or only the "
          "application?",
          subject="Scope of the manifest"),
     Turn(140, NOTE, "Asked the networking people; they say only the application. Waiting for a second voice."),
     Turn(130, TEAM, "Only the application. The debug shell runs under its own capability:\n\n"
          "- it is off on production boards,\n- and a board that has it on says so in `status`.\n\n"
          "Does that answer it?"),
     Turn(96, PARTICIPANT, "Mostly. And if an application is started *from* the shell?", by_mail=True)),
    (Turn(60, PARTICIPANT, "How do I build the kernel from the source that you published? The defconfig does not boot.",
          subject="Building the kernel"),
     Turn(55, TEAM, "The published defconfig is for the emulator. Please try `device_defconfig`; the resources "
          "page names the compiler.", "host2")),
    (Turn(220, PARTICIPANT, "My colleague joins next week. Does she need her own kit?", subject="A colleague joins"),
     Turn(214, TEAM, "One kit serves a team. If you work in two places, say so on the kit page.", "lead"),
     Turn(200, PARTICIPANT, "We manage with one. Thank you.", by_mail=True),
     Turn(198, SETTLE, who="lead")),
    (Turn(26, PARTICIPANT, "I believe I have found something in the update service. May I describe it here?",
          subject="Something in the update service"),
     Turn(25, NOTE, "No details here, please: send them the canned answer.", "triager1"),
     Turn(24.5, TEAM, CANNED[1][1], "triager1"),
     Turn(2, PARTICIPANT, "It is in, as a report. How long will it be until somebody reproduces it?")),
    (Turn(80, PARTICIPANT, "What counts as a device in the state *DeviceComplete*?", subject="DeviceComplete"),
     Turn(78, HAND_OVER, who="host3")),
    (Turn(46, TEAM, "Your session of Thursday ran out of time before your second question. Shall we go on "
          "here?", "host3",
          subject="What was left of Thursday"),),
)  # fmt: skip


# What else came to the mailbox, so many hours ago.
REFUSED: tuple[tuple[float, Outcome], ...] = (
    (70, Outcome.AUTOMATIC), (66, Outcome.ENCRYPTED), (41, Outcome.UNADDRESSED), (40, Outcome.UNADDRESSED),
    (12, Outcome.FORGED), (9, Outcome.OTHER_SENDER),
)  # fmt: skip


def talk(world: World, stage: Stage) -> None:
    """Let the first participants write, and the team answer some of them."""
    lead, begun = world.staff["lead"], world.now - timedelta(days=40)
    desk.set_pace(world.session, stage.challenge, Days(1, 2), by=lead, at=begun)
    for title, text in CANNED:
        desk.add_canned(world.session, stage.challenge, title, text, by=lead, at=begun)
    for member, turns in zip((group[0] for group in stage.participants), TALKS, strict=False):
        for number, turn in enumerate(turns):
            _take_turn(world, member, turn, f"demonstration-{member.id}-{number}")
    _bring_mails(world, stage)


def _take_turn(world: World, member: Member, turn: Turn, key: str) -> None:
    session, at, by = world.session, world.now - timedelta(hours=turn.hours), world.staff[turn.who]
    draft = Draft(turn.text, key, turn.subject, via=Via.MAIL if turn.by_mail else Via.PAGE)
    if turn.what == PARTICIPANT:
        conversations.write(session, member, draft, at=at)
        return
    # Mails of a demonstration go nowhere, so nobody answers them.
    addresses = Addresses(None, "", "", b"")
    found = of_participant(session, member.participant_id)
    if found is None:
        conversations.begin(session, member.participant, draft, by=by, at=at, addresses=addresses)
        return
    seen = newest(session, found.id, Author.PARTICIPANT, Author.TEAM)
    mark_read(session, found, seen, by=by)
    if turn.what == TEAM:
        conversations.answer(session, found, draft, seen=seen, by=by, at=at, addresses=addresses)
    elif turn.what == NOTE:
        conversations.note(session, found, draft, by=by, at=at)
    elif turn.what == SETTLE:
        conversations.settle(session, found, seen=seen, by=by, at=at)
    else:
        person = session.get_one(Account, by)
        desk.assign(session, found, person, seen=found.assignee_id, by=world.staff["lead"], at=at)


def _bring_mails(world: World, stage: Stage) -> None:
    """The records of the mails that became messages, and of some that did not."""
    by_mail = sa.select(Message).join(Conversation, Conversation.id == Message.conversation_id)
    by_mail = by_mail.where(Message.via == Via.MAIL, Conversation.challenge_id == stage.challenge.id)
    taken = world.session.scalars(by_mail.order_by(Message.id)).all()
    first = of_participant(world.session, stage.participants[0][0].participant_id)
    assert first is not None
    whose = {"challenge_id": first.challenge_id, "conversation_id": first.id}
    rows: list[dict[str, Any]] = [
        {"at": each.at, "outcome": Outcome.TAKEN, "challenge_id": first.challenge_id, "message_id": each.id,
         "conversation_id": each.conversation_id, "account_id": each.account_id}
        for each in taken
    ]  # fmt: skip
    for hours, outcome in REFUSED:
        known = whose if outcome in (Outcome.ENCRYPTED, Outcome.OTHER_SENDER) else {}
        sender = "somebody@elsewhere.demo.example" if outcome is Outcome.OTHER_SENDER else None
        rows.append({"at": world.now - timedelta(hours=hours), "outcome": outcome, "sender": sender, **known})
    for uid, row in enumerate(rows, 1):
        world.session.add(Incoming(mailbox="demonstration", validity=1, uid=uid, **row))
    world.session.flush()
