"""What the addresses of the table name. Each function makes it and tells the values of the address."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

import portal.challenges.queries as challenges
from portal.applications.actions import questions
from portal.applications.models import DuplicatePair, Import
from portal.applications.rules.questions import Asked
from portal.applications.states import Decision, Evidence, QuestionKind
from portal.awards import actions as awards
from portal.challenges import actions
from portal.core import outbox
from portal.core.blobs import blobs
from portal.core.mail import config_of
from portal.core.outbox import MailState, OutgoingMail
from portal.kits.actions import replacements, shipments
from portal.kits.actions.reservations import reserve
from portal.kits.models import Reservation, ShipmentHold, ShipmentUnit, TrackingNews
from portal.kits.states import ShipmentState, Word
from portal.kits.states.holds import Verdict
from portal.kits.states.tracking import NewsState
from portal.line.actions import desk
from portal.line.actions.conversations import Draft, write
from portal.line.models import Incoming
from portal.line.states import Outcome
from portal.office_hours.actions import Wish as Topic
from portal.office_hours.actions import cancel_booking, create_series, materialise, open_feed
from portal.office_hours.actions.answers import Words, draft_answer, move_answer, review_answer
from portal.office_hours.actions.calendars import give_file
from portal.office_hours.actions.early import offer_answer
from portal.office_hours.actions.notes import promise
from portal.office_hours.actions.questions import put_question
from portal.office_hours.actions.waiting import join_list, offer_seat
from portal.office_hours.busy import Busy
from portal.office_hours.models import Booking, Slot, Waiter
from portal.office_hours.queries import whole_booking
from portal.office_hours.queries.waiting import candidates, slots_in
from portal.office_hours.rules import Share
from portal.office_hours.states import PUBLISH, BookingState, FeedScope
from portal.reports import commitments
from portal.reports.actions import keys, known, links, publications, releases, replies, threads
from portal.reports.actions import upstream as cases
from portal.reports.actions.publications import Link
from portal.reports.actions.signed import remember_key
from portal.reports.models import KnownIssue, UploadToken
from portal.reports.queries import reports
from portal.reports.queries import uploads as files
from portal.reports.queries.keys import current_set
from portal.reports.receipts import Signer
from portal.reports.rules import Limits, LinkText
from portal.reports.rules import Outcome as ReportOutcome
from portal.reports.states import CertificateState, PublicationKind, ReportState, Side
from portal.selection.actions import bulk as bulks
from portal.selection.actions import drafts, saved
from portal.selection.models import WaveEntry
from portal.selection.rules.bulk import Values as BulkValues
from portal.selection.rules.drafts import Wish
from portal.selection.states import BulkVerb, LimitKind
from tests.applications.conftest import Desk as Applicants
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast
from tests.challenges.conftest import Library
from tests.kits.conftest import Afterwards
from tests.kits.conftest import Bench as Kits
from tests.office_hours.conftest import SENDER, Stage, local
from tests.office_hours.rounds import Rounds
from tests.reports.conftest import RECOVERY, TIA, TOM
from tests.reports.openpgp import message as sealed_for
from tests.reports.people import Desk as Reports
from tests.reports.press import Press
from tests.reports.threads import key_ids, live, written
from tests.selection.conftest import Bench as Selection

WEEKS = timedelta(weeks=2)


@dataclass(frozen=True)
class World:
    """The test challenge and its people."""

    session: Session
    cast: Cast


Values = dict[str, Any]
Maker = Callable[[World], Values]


def nothing(_world: World) -> Values:
    """An address without objects."""
    return {}


def unknown(_world: World) -> Values:
    """Tokens and file names that nobody has made."""
    return {"token": "unknown", "filename": "unknown.css", "ref": "unknown"}


def style_sheet(_world: World) -> Values:
    """A file of ours."""
    return {"filename": "css/tokens.css"}


def bootstrap(_world: World) -> Values:
    """A file of Bootstrap's."""
    return {"filename": "css/bootstrap.min.css"}


# Challenges and home


def scenario(world: World) -> Values:
    """A scenario of the test challenge."""
    return {"scenario_id": world.cast.challenge.scenarios[0].id}


def version(_world: World) -> Values:
    """The version of the agreement that is in force."""
    return {"version": 1}


def participant(world: World) -> Values:
    """The researcher's participation."""
    return {"participant_id": world.cast.participant.id}


def invitation(world: World) -> Values:
    """An open invitation into the team."""
    lead = challenges.membership(world.session, world.cast.challenge.id, world.cast.team_lead.id)
    assert lead
    made = actions.invite_member(world.session, lead, "new@example.org", at=NOON)
    mail = world.session.scalars(sa.select(OutgoingMail)).one()
    return {"invitation_id": made.id, "token": mail.context["token"]}


def kind(_world: World) -> Values:
    """A kind of resource."""
    return {"kind": "document"}


def document(world: World) -> Values:
    """A published document."""
    return {"resource_id": Library(world.session, world.cast).document().id, "name": "withdraw", "do": "up"}


def download(world: World) -> Values:
    """A published download."""
    return {"resource_id": Library(world.session, world.cast).download(b"SDK").id}


def build(world: World) -> Values:
    """A build."""
    return {"build_id": Library(world.session, world.cast).build().id, "name": "pin"}


def announcement(world: World) -> Values:
    """An announcement that is out."""
    return {"announcement_id": Library(world.session, world.cast).announce().id}


def mail(world: World) -> Values:
    """A mail in the outbox."""
    outbox.post(world.session, "accounts/address_changed", to="x@example.org", key="x", at=NOON)
    return {"mail_id": world.session.scalars(sa.select(OutgoingMail.id)).one()}


# Applications and selection


def draft(world: World) -> Values:
    """The applicant has begun to apply."""
    Applicants(world.session, world.cast).draft()
    return {}


def application(world: World) -> Values:
    """The applicant's application."""
    return {"application_id": Applicants(world.session, world.cast).submitted().id, "name": "disqualify"}


def question(world: World) -> Values:
    """A question of the lead."""
    asked = Asked(QuestionKind.TEXT, "Why now?")
    made = questions.add_question(world.session, world.cast.challenge, asked, by=world.cast.lead.id, at=NOON)
    return {"question_id": made.id, "do": "down"}


def twins(world: World) -> Values:
    """Two applications that nobody thinks of as one person's any more."""
    desk = Applicants(world.session, world.cast)
    one, two = desk.submitted(), desk.submitted(world.cast.stranger)
    judged = {"dismissed_at": NOON, "dismissed_by_id": world.cast.lead.id, "found_at": NOON}
    world.session.add(
        DuplicatePair(
            challenge_id=world.cast.challenge.id, low_id=one.id, high_id=two.id, kind=Evidence.HANDLE, detail="ada",
            **judged,
        )
    )  # fmt: skip
    world.session.flush()
    return {"low_id": one.id, "high_id": two.id}


def file_of_applications(world: World) -> Values:
    """A file that waits for confirmation."""
    kept = Import(
        challenge_id=world.cast.challenge.id, by_id=world.cast.lead.id, created_at=NOON, state_since=NOON,
        filename="x.csv", content=b"", rows=1, good=1, faults=[], fault_count=0,
    )  # fmt: skip
    world.session.add(kept)
    world.session.flush()
    return {"import_id": kept.id}


def invited(world: World) -> Values:
    """The applicant may answer an invitation."""
    Selection(world.session, world.cast).invited()
    return {}


def review(world: World) -> Values:
    """What a reviewer made of the applicant's application."""
    desk = Selection(world.session, world.cast)
    return {"review_id": desk.review(desk.submitted(), world.cast.reviewer, 4).id}


def reviewer(world: World) -> Values:
    """Somebody who reviews."""
    return {"account_id": world.cast.reviewer.id}


def fairness(world: World) -> Values:
    """A table of the report."""
    Applicants(world.session, world.cast).submitted()
    return {"name": "countries"}


def bulk(world: World) -> Values:
    """Something that the lead did to many applications."""
    chosen = [Selection(world.session, world.cast).submitted().id]
    made = bulks.ask(
        world.session, world.cast.challenge, chosen, BulkVerb.CALIBRATE, BulkValues(), count=1, by=world.cast.lead.id,
        at=NOON,
    )  # fmt: skip
    return {"bulk_id": made.id}


def view(world: World) -> Values:
    """A view that the lead keeps."""
    made = saved.keep_view(world.session, world.cast.challenge, "Best", "sort=-score", by=world.cast.lead.id, at=NOON)
    return {"view_id": made.id}


def wave(world: World) -> Values:
    """A wave that is being prepared."""
    desk = Selection(world.session, world.cast)
    made = desk.wave((desk.submitted(), Decision.INVITE))
    entry = world.session.scalars(sa.select(WaveEntry.id).where(WaveEntry.wave_id == made.id)).one()
    return {"number": made.number, "entry_id": entry, "decision": "invite"}


def undelivered(world: World) -> Values:
    """An invitation that came back."""
    Selection(world.session, world.cast).invited()
    dead = OutgoingMail.template == "selection/invited"
    world.session.execute(sa.update(OutgoingMail).where(dead).values(state=MailState.FAILED, error="550"))
    return {"mail_id": world.session.scalars(sa.select(OutgoingMail.id).where(dead)).one()}


def what_if(world: World) -> Values:
    """A solved draft with a limit and a pin."""
    desk = Selection(world.session, world.cast)
    made = desk.what_if(limits=[Wish(LimitKind.COUNTRY, "FR", None, 1)])
    application = desk.submitted()
    drafts.pin(
        world.session, made, application.id, "Known to us.", inside=True, by=world.cast.lead.id, at=NOON
    )  # fmt: skip
    drafts.solve_draft(world.session, made, by=world.cast.lead.id, at=NOON)
    world.session.commit()
    return {"number": made.number, "limit_id": made.limits[0].id, "application_id": application.id}


# Kits


def shipment(world: World) -> Values:
    """The researcher's parcel, with a unit in it."""
    parcel = Kits(world.session, world.cast).at(ShipmentState.READY)
    place = world.session.scalars(sa.select(ShipmentUnit.id).where(ShipmentUnit.shipment_id == parcel.id)).one()
    return {"shipment_id": parcel.id, "place_id": place, "name": "pack"}


def tracking_news(world: World) -> Values:
    """News of the researcher's parcel that failed."""
    parcel = Kits(world.session, world.cast).at(ShipmentState.HANDED_OVER)
    news = TrackingNews(
        provider="easypost", event_key="1", carrier="DHL", number="JD000001", said="in_transit",
        status=ShipmentState.IN_TRANSIT, description="In transit", occurred_at=NOON, received_at=NOON,
        state=NewsState.FAILED, state_since=NOON, next_at=NOON, error="A fault.", shipment_id=parcel.id,
    )  # fmt: skip
    world.session.add(news)
    world.session.flush()
    return {"news_id": news.id, "what": "again"}


def webhook(_world: World) -> Values:
    """A service that no secret is known of."""
    return {"provider": "easypost"}


def policy(world: World) -> Values:
    """What may be sent to Japan."""
    made = Kits(world.session, world.cast).policy("JP", Verdict.REVIEW)
    world.session.commit()
    return {"policy_id": made.id}


def screening_list(world: World) -> Values:
    """A list with one name."""
    return {"list_id": Kits(world.session, world.cast).screen("Rosa Resaercher").id}


def hold(world: World) -> Values:
    """The researcher's parcel, held by hand."""
    bench = Kits(world.session, world.cast)
    parcel = bench.at(ShipmentState.READY)
    bench.advance(parcel, "hold")
    world.session.commit()
    return {"hold_id": world.session.scalars(sa.select(ShipmentHold.id)).one()}


def chosen(world: World) -> Values:
    """Papers of the researcher's parcel, which the query names."""
    return {"query": f"parcel={shipment(world)['shipment_id']}"}


def received(world: World) -> Values:
    """The researcher's parcel, damaged, with a wish for another one."""
    kits = Kits(world.session, world.cast)
    parcel, by = kits.at(ShipmentState.HANDED_OVER), world.cast.researcher.id
    shipments.say(world.session, parcel, Word.DAMAGED, "It sparks.", by=by, at=NOON)
    replacements.ask(world.session, kits.again(parcel), "It sparks.", by=by, at=NOON)
    return {"shipment_id": parcel.id}


def kit_return(world: World) -> Values:
    """What the researcher is to send back, with a label."""
    made = Afterwards(world.session, world.cast).announced()
    return {"return_id": made.id}


def kit_table(_world: World) -> Values:
    """A table of the kits' numbers."""
    return {"name": "stages"}


def unit(world: World) -> Values:
    """A unit in stock."""
    (made,) = Kits(world.session, world.cast).units("KIT-7")
    return {"unit_id": made.id, "name": "retire"}


def program(world: World) -> Values:
    """A carrier's program, and a parcel that is packed for it."""
    Kits(world.session, world.cast).at(ShipmentState.PACKED)
    return {"profile": "generic"}


def kit_model(world: World) -> Values:
    """A kind of kit without units."""
    return {"model_id": Kits(world.session, world.cast).model().id}


def reservation(world: World) -> Values:
    """A unit that is kept for an invitation which is not there any more."""
    Kits(world.session, world.cast).units("KIT-8", "KIT-9", "KIT-10")
    reserve(world.session, world.cast.challenge, ["application:77"], by=world.cast.lead.id, at=NOON)
    return {"reservation_id": world.session.scalars(sa.select(Reservation.id)).one()}


# Office hours


def slot(world: World) -> Values:
    """A free slot next Wednesday."""
    stage = Stage(world.session, world.cast)
    series = stage.series()
    free = stage.slots(series)[0]
    return {"slot_id": free.id, "sitting_id": free.sitting_id, "series_id": series.id}


def held_slot(world: World) -> Values:
    """A slot whose second place is free, in a session that every host of the cast holds a part of."""
    stage = Stage(world.session, world.cast)
    hosts = (Share(world.cast.host.id), Share(world.cast.second_host.id))
    return {"slot_id": stage.slots(stage.series(hosts=hosts))[0].id}


def booking(world: World) -> Values:
    """The researcher's booking."""
    stage = Stage(world.session, world.cast)
    made = stage.book(stage.slots(stage.series())[0])
    return {"uid": made.uid, "verb": "attended"}


def commitment(world: World) -> Values:
    """What the researcher has promised in a session of last week."""
    stage = Stage(world.session, world.cast)
    past = stage.plan(first=local(2020, 6, 10, 9))
    series = create_series(world.session, world.cast.challenge, past, by=world.cast.host.id, at=NOON - WEEKS)
    materialise(world.session, series.id, since=NOON - WEEKS, before=NOON, at=NOON - WEEKS)
    held = stage.book(stage.slots(series)[0], at=NOON - WEEKS)
    due = NOON.date() + timedelta(days=3)
    made = promise(world.session, held, "Send it", due, owner_id=None, by=world.cast.host.id, at=NOON)
    return {"promise_id": made.id, "verb": "done"}


def answer(world: World) -> Values:
    """An answer that waits for the researcher to agree."""
    held = whole_booking(world.session, world.session.query(Booking.id).filter_by(uid=booking(world)["uid"]).scalar())
    words = Words("Boot", "Which stages?", "All.")
    host, lead, challenge = world.cast.host.id, world.cast.lead.id, world.cast.challenge
    made = draft_answer(world.session, challenge, words, by=host, at=NOON, booking=held)
    review_answer(world.session, made, challenge, version=1, by=lead, at=NOON)
    return {"uid": held.uid, "key": made.key, "verb": "return"}


def published_answer(world: World) -> Values:
    """An answer of nobody's question in particular, for all to read."""
    host, lead, challenge = world.cast.host.id, world.cast.lead.id, world.cast.challenge
    made = draft_answer(world.session, challenge, Words("Boot", "Which stages?", "All."), by=host, at=NOON)
    review_answer(world.session, made, challenge, version=1, by=lead, at=NOON)
    move_answer(world.session, made, challenge, PUBLISH, by=lead, at=NOON)
    return {"key": made.key}


def waiter(world: World) -> Values:
    """The researcher's place on the list of a session that the team has filled."""
    stage = Stage(world.session, world.cast)
    taken = stage.slots(stage.series(slots=1))[0]
    stage.book(taken, world.cast.team.members[0])
    slot = slots_in(world.session, taken.sitting_id)[0]
    topic = Topic("", "Booting")
    return {"waiter_id": join_list(world.session, slot.sitting, (), world.cast.member, topic, at=NOON).id}


def seat_offer(world: World) -> Values:
    """A seat that is kept for the researcher."""
    place = world.session.get_one(Waiter, waiter(world)["waiter_id"])
    booking = world.session.scalars(sa.select(Booking)).one()
    cancel_booking(world.session, booking, by=booking.account_id, at=NOON, sender=SENDER)
    slot = slots_in(world.session, place.sitting_id)[0]
    offer_seat(world.session, slot, candidates(world.session, slot, NOON)[0], at=NOON, sender=SENDER)
    offered = sa.select(Booking.uid).where(Booking.state == BookingState.HELD)
    return {"uid": world.session.scalars(offered).one(), "verb": "take"}


def round_open(world: World) -> Values:
    """A round that gathers requests, in which the researcher has asked for a seat."""
    play = Rounds(Stage(world.session, world.cast))
    found, _ = play.one()
    play.ask(found, world.cast.member)
    return {"round_id": found.id}


def round_drawn(world: World) -> Values:
    """A drawn round in which the researcher has asked for a slot whose host then could not come."""
    play = Rounds(Stage(world.session, world.cast))
    found, slots = play.one()
    play.ask(found, world.cast.member, slots[0])
    give_file(world.session, world.cast.host.id, [Busy(slots[0].starts_at, slots[0].ends_at)], at=NOON)
    play.draw()
    return {"round_id": found.id}


def shared_slot(world: World) -> Values:
    """A slot that every host of the cast holds, with its session and series."""
    stage = Stage(world.session, world.cast)
    series = stage.series(hosts=(Share(world.cast.host.id), Share(world.cast.second_host.id)), engineers=2)
    slot = stage.slots(series)[0]
    return {"slot_id": slot.id, "sitting_id": slot.sitting_id, "series_id": series.id}


def asked(world: World) -> Values:
    """The researcher's booking with every host of the cast, with a sealed question and a written answer."""
    stage, cast = Stage(world.session, world.cast), world.cast
    found = stage.certify(cast.host, cast.second_host, at=NOON - timedelta(days=9))
    slot_id = shared_slot(world)["slot_id"]
    made = stage.book(world.session.get_one(Slot, slot_id))
    put_question(world.session, made, stage.sealed(*found), by=cast.researcher.id, at=NOON)
    answer = offer_answer(world.session, made, "It is in the documentation.", by=cast.host.id, at=NOON)
    return {"uid": made.uid, "number": 1, "answer_id": answer.id, "verb": "decline"}


def feed(world: World) -> Values:
    """The address of the researcher's calendar."""
    return {"token": open_feed(world.session, world.cast.researcher.id, FeedScope.MINE, at=NOON)}


# Reports


def key_set(world: World) -> Values:
    """A published key set, without which nothing is reported."""
    triagers = [(world.cast.triager.id, TOM), (world.cast.second_triager.id, TIA)]
    keys.publish_key_set(world.session, triagers, RECOVERY, by=world.cast.admin.id, at=NOON - timedelta(days=1))
    return {"number": 1}


def _reports(world: World) -> Reports:
    triagers = [(world.cast.triager.id, TOM), (world.cast.second_triager.id, TIA)]
    made = keys.publish_key_set(world.session, triagers, RECOVERY, by=world.cast.admin.id, at=NOON - timedelta(days=1))
    world.session.commit()
    recipients = [key_id for member in made.members for key_id in member.key_ids]
    signer = Signer.of(config_of(current_app))
    return Reports(world.session, world.cast, blobs(), signer, lambda size: sealed_for(size, recipients))


def report(world: World) -> Values:
    """The researcher's report, which has arrived."""
    return {"ref": _reports(world).receive().ref, "number": 0, "form": "json"}


def sealed_file(world: World) -> Values:
    """A sealed file of a report that has arrived."""
    desk = _reports(world)
    (found,) = files.of_report(world.session, desk.receive().id)
    return {"upload_id": found.id}


def receipt_key(world: World) -> Values:
    """A key that has signed a receipt."""
    made = Signer.of(config_of(current_app))
    remember_key(world.session, made, at=NOON)
    return {"key_id": made.key_id}


def message(world: World) -> Values:
    """A sealed message that the researcher has begun."""
    desk = _reports(world)
    arrived = desk.receive()
    made = threads.begin_message(
        world.session, arrived, Side.RESEARCHER, Limits(), by=world.cast.researcher.id, at=NOON
    )
    return {"ref": arrived.ref, "number": made.number}


def sent_message(world: World) -> Values:
    """A sealed message that the researcher has sent."""
    desk = _reports(world)
    arrived = desk.receive()
    written(desk, arrived, Side.RESEARCHER, key_ids(desk), by=world.cast.researcher.id)
    live(world.session, world.cast.researcher.id)
    return {"ref": arrived.ref, "number": 1}


def team_message(world: World) -> Values:
    """A sealed message that a triager has begun."""
    desk, by = _reports(world), world.cast.triager.id
    arrived = desk.receive()
    live(world.session, world.cast.researcher.id)
    made = threads.begin_message(world.session, arrived, Side.TEAM, Limits(), by=by, at=NOON)
    upload = threads.begin_message_upload(world.session, arrived, made, Limits(), length=None, at=NOON)
    return {"ref": arrived.ref, "number": made.number, "upload_id": upload.id}


def certificate(world: World) -> Values:
    """A certificate that the researcher has still to prove."""
    offered = live(world.session, world.cast.researcher.id)
    offered.state, offered.proved_at = CertificateState.OFFERED, None
    offered.challenge, offered.proof_hash = "sealed", "0" * 64
    world.session.flush()
    return {"certificate_id": offered.id}


def reply_template(world: World) -> Values:
    """The usual reply templates."""
    replies.add_defaults(world.session, world.cast.challenge.id, world.cast.challenge.slug, by=None, at=NOON)
    return {"code": "by-design"}


def upload(world: World) -> Values:
    """A file of the researcher's that is being sent."""
    desk = _reports(world)
    begun = desk.begin()
    return {"upload_id": desk.upload(begun).id, "ref": begun.ref}


def release(world: World) -> Values:
    """A release that is planned."""
    made = releases.plan(
        world.session, world.cast.challenge, "20.07", NOON.date(), "", by=world.cast.triager.id, at=NOON
    )
    return {"release_id": made.id}


def token(world: World) -> Values:
    """The researcher's token for programs."""
    keys.make_token(world.session, world.cast.challenge.id, "laptop", by=world.cast.researcher.id, at=NOON)
    return {"token_id": world.session.scalars(sa.select(UploadToken.id)).one()}


def report_link(world: World) -> Values:
    """The researcher's report with a link."""
    ref = _reports(world).receive().ref
    found = reports.of_challenge(world.session, world.cast.challenge.id, ref)
    links.add_links(world.session, found, [LinkText("A link")], by=world.cast.researcher.id, at=NOON)
    return {"ref": ref, "number": 1, "name": "confirm"}


def duplicate_report(world: World) -> Values:
    """The researcher's report, of which somebody else had the same before."""
    desk = _reports(world)
    first, second = desk.receive(world.cast.team.members[0]), desk.in_state(ReportState.ACKNOWLEDGED)
    desk.move(second, "duplicate", ReportOutcome(duplicate_of_id=first.id))
    return {"ref": second.ref, "form": "json"}


def upstream_case(world: World) -> Values:
    """A case at another party."""
    by = world.cast.triager.id
    party = cases.add_party(world.session, "The kernel", "security@kernel.example", "", by=by, at=NOON)
    made = cases.open_case(world.session, world.cast.challenge, party, "A case", by=by, at=NOON)
    return {"number": made.number}


def _issue(world: World) -> KnownIssue:
    salt, text, at = "0" * 64, "The log is too long.", NOON - timedelta(days=30)
    made = commitments.commitment(world.cast.slug, salt, text)
    signer = Signer.of(config_of(current_app))
    [issue] = known.commit(world.session, world.cast.challenge, [made], signer, by=world.cast.triager.id, at=at)
    known.reveal(world.session, issue, salt, text, by=world.cast.triager.id, at=NOON)
    return issue


def public_issue(world: World) -> Values:
    """A known issue that everybody may read."""
    known.publish(world.session, _issue(world), by=world.cast.triager.id, at=NOON)
    return {"number": 1, "form": "txt"}


def shown_issue(world: World) -> Values:
    """A known issue that was revealed to the researcher."""
    issue = _issue(world)
    ref = _reports(world).receive().ref
    found = reports.of_challenge(world.session, world.cast.challenge.id, ref)
    known.reveal_to(world.session, issue, found, by=world.cast.triager.id, at=NOON)
    return {"ref": ref, "number": 1}


def publication(world: World) -> Values:
    """Something that the team handed in."""
    link = Link("A post", "https://blog.example/post", PublicationKind.POST, NOON.date())
    by = world.cast.finance.id
    made = publications.submit(world.session, world.cast.challenge, link, participant_id=None, by=by, at=NOON)
    return {"publication_id": made.id}


def own_publication(world: World) -> Values:
    """Something that the researcher has published."""
    link = Link("A way in", "https://blog.example/own", PublicationKind.POST, NOON.date())
    cast = world.cast
    made = publications.submit(
        world.session, cast.challenge, link, participant_id=cast.participant.id, by=cast.researcher.id, at=NOON
    )
    return {"publication_id": made.id}


def advisory(world: World) -> Values:
    """An advisory as it is being written."""
    report = _reports(world).in_state(ReportState.FIXED)
    return {"advisory_id": Press(world.session, world.cast).draft([report]).id}


def public_advisory(world: World) -> Values:
    """An advisory that everybody may read."""
    press, report = Press(world.session, world.cast), _reports(world).in_state(ReportState.FIXED)
    start = NOON - timedelta(days=3)
    press.agree(report, start + timedelta(hours=1), at=start, without_fix=True)
    made = press.move(press.move(press.draft([report]), "ready"), "publish", at=NOON)
    press.release(NOON)
    return {"ident": made.ident, "year": 2020, "name": "index.txt"}


def csaf_file(world: World) -> Values:
    """Its file."""
    return {**public_advisory(world), "name": "portal-2020-0001.json"}


def csaf_key(world: World) -> Values:
    """A key with which files may be signed."""
    _reports(world)
    return {"fingerprint": current_set(world.session).recovery_fingerprint}


# The line


def conversation(world: World) -> Values:
    """The researcher's conversation, with one message."""
    made = write(world.session, world.cast.member, Draft("Where is the log?", "key-of-a-form-0001"), at=NOON)
    return {"conversation_id": made.conversation_id}


def canned(world: World) -> Values:
    """A canned answer."""
    made = desk.add_canned(world.session, world.cast.challenge, "Log", "Here.", by=world.cast.lead.id, at=NOON)
    return {"answer_id": made.id}


def strange_mail(world: World) -> Values:
    """A mail under the researcher's address that somebody else sent."""
    found = conversation(world)["conversation_id"]
    made = Incoming(
        mailbox="box", validity=1, uid=1, at=NOON, outcome=Outcome.OTHER_SENDER, conversation_id=found,
        challenge_id=world.cast.challenge.id, sender="eve@example.org",
    )  # fmt: skip
    world.session.add(made)
    world.session.flush()
    return {"incoming_id": made.id}


# Awards


def confirmed(world: World) -> Values:
    """A confirmed report and rules by which to award it."""
    jury = Jury(world.session, world.cast)
    jury.publish()
    return {"query": f"report={jury.report().ref}"}


def proposal(world: World) -> Values:
    """An award that waits for a second person; the step is one that its proposer may not take."""
    jury = Jury(world.session, world.cast)
    jury.publish()
    return {"award_id": jury.propose().id, "name": "approve"}


def award(world: World) -> Values:
    """An approved award, which is to be paid."""
    jury = Jury(world.session, world.cast)
    jury.publish()
    return {"award_id": jury.award().id}


def payment(world: World) -> Values:
    """A payment that is due."""
    jury = Jury(world.session, world.cast)
    jury.publish()
    return {"payment_id": jury.payments(jury.award())[0].id, "name": "send"}


def payment_batch(world: World) -> Values:
    """A file for the bank."""
    payment(world)
    made = awards.export(world.session, world.cast.challenge, by=world.cast.finance.id, at=NOON)
    return {"number": made.number}
