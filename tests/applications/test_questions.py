"""The lead's own questions: asked, answered, arranged, retired."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.applications import actions, personal, queries
from portal.applications.actions import questions as asking
from portal.applications.models import Application, Question, Revision
from portal.applications.rules import content_of
from portal.applications.rules.questions import (
    ANSWER_LENGTH,
    QUESTIONS,
    Asked,
    answered,
    misfits_of_answers,
    missing_answers,
    parsed,
    wrong_question,
)
from portal.applications.states import ApplicationState, QuestionKind
from portal.core.errors import Invalid, NotFound, Refused
from tests.applications.conftest import Desk
from tests.applications.test_views import APPLY, mine, typed
from tests.cast import NOON, Cast, make_challenge, sign_in

PAGE = "/staff/test-challenge/applications/questions"
TEXT, CHOICE, NUMBER = QuestionKind.TEXT, QuestionKind.CHOICE, QuestionKind.NUMBER


def asked(kind: QuestionKind, number: int = 1, **values: Any) -> Question:
    choices = ["yes", "no"] if kind is CHOICE else []
    return Question(id=number, kind=kind, label="?", hint="", required=False, choices=choices, **values)


@pytest.mark.parametrize(
    ("kind", "typed_", "answer"),
    [
        (TEXT, " two\r\nlines ", "two\nlines"), (NUMBER, "12", 12), (NUMBER, "-3.50", -3.5), (NUMBER, "+7", 7),
        (NUMBER, "twelve", "twelve"), (NUMBER, "1e9", "1e9"), (NUMBER, "٣", "٣"), (CHOICE, "yes", "yes"),
    ],
)  # fmt: skip
def test_what_is_typed_becomes_an_answer(kind: QuestionKind, typed_: str, answer: object) -> None:
    assert parsed(asked(kind), typed_) == answer


@pytest.mark.parametrize(
    ("kind", "answer", "fits"),
    [
        (TEXT, "x" * ANSWER_LENGTH, True), (TEXT, "x" * (ANSWER_LENGTH + 1), False), (TEXT, ["x"], False),
        (CHOICE, "yes", True), (CHOICE, "perhaps", False), (CHOICE, 1, False), (NUMBER, 12, True), (NUMBER, 0.5, True),
        (NUMBER, "twelve", False), (NUMBER, True, False), (NUMBER, float("nan"), False), (NUMBER, 1e12, False),
        (NUMBER, "", True), (TEXT, None, True),
    ],
)  # fmt: skip
def test_answers_fit_or_are_told(kind: QuestionKind, answer: object, fits: bool) -> None:
    assert list(misfits_of_answers({"1": answer}, [asked(kind)])) == ([] if fits else ["answer_1"])


def test_required_questions_are_missed_at_the_end_and_retired_ones_never() -> None:
    needed = Question(id=4, kind=TEXT, label="?", required=True, choices=[])
    gone = Question(id=5, kind=TEXT, label="?", required=True, choices=[], retired_at=NOON)
    assert missing_answers({}, [needed, gone]) == {"answer_4": "Answer this question."}
    assert missing_answers({"4": 0}, [needed]) == {}
    assert [question.id for question, _ in answered([needed, gone], {"4": "x"})] == [4]
    assert [question.id for question, _ in answered([needed, gone], {"5": "x"})] == [4, 5]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Asked(TEXT, ""), "label"), (Asked(TEXT, "x" * 201), "label"), (Asked(TEXT, "?", hint="x" * 501), "hint"),
        (Asked(CHOICE, "?", choices=("one",)), "choices"), (Asked(CHOICE, "?", choices=("a", "x" * 121)), "choices"),
    ],
)  # fmt: skip
def test_questions_that_make_no_sense_are_told(wrong: Asked, field: str) -> None:
    assert list(wrong_question(wrong)) == [field]


@pytest.fixture
def lab(session: Session, cast: Cast) -> list[Question]:
    """Three questions of the three kinds; the last one must be answered."""
    wanted = (
        Asked(TEXT, "Where is your lab?", personal=True), Asked(CHOICE, "Which board?", choices=("A", "B")),
        Asked(NUMBER, "Hours a week?", required=True),
    )  # fmt: skip
    made = [asking.add_question(session, cast.challenge, each, by=cast.lead.id, at=NOON) for each in wanted]
    session.commit()
    return made


def test_answers_go_the_whole_way(
    client: FlaskClient, session: Session, desk: Desk, cast: Cast, lab: list[Question]
) -> None:
    place, board, hours = (question.field for question in lab)
    sign_in(client, cast.applicant)
    assert "Where is your lab?" in client.get(APPLY).text
    half = client.post(
        APPLY, data=typed(desk, do="save", **{place: "Ελλάδα 🏝"}), headers={"Accept": "application/json"}
    )
    assert (half.status_code, mine(session, cast).answers) == (200, {str(lab[0].id): "Ελλάδα 🏝"})
    lacking = client.post(APPLY, data=typed(desk, version="1", **{place: "x"}))
    assert (lacking.status_code, "Answer this question." in lacking.text) == (422, True)
    wrong = client.post(APPLY, data=typed(desk, do="save", version="1", **{hours: "many", board: "C"}))
    assert (wrong.status_code, "Write a number" in wrong.text, "one of the answers" in wrong.text) == (422, True, True)

    told = {place: "In a cellar.", board: "B", hours: "7.5"}
    assert client.post(APPLY, data=typed(desk, version="1", **told)).status_code == 302

    answers = {str(lab[0].id): "In a cellar.", str(lab[1].id): "B", str(lab[2].id): 7.5}
    application = mine(session, cast)
    assert (application.state, application.answers) == (ApplicationState.SUBMITTED, answers)
    assert session.scalars(sa.select(Revision)).one().content["answers"] == answers
    exported = personal.exported(session, cast.applicant.id)["applications"][0]
    assert exported["answers"] == answers
    for path in (APPLY, f"{APPLY}/edit"):
        assert "In a cellar." in client.get(path).text
    actions.erase_application(session, application, at=NOON)
    session.commit()
    assert mine(session, cast).answers == {}


def test_an_answer_to_a_retired_question_stays(session: Session, desk: Desk, cast: Cast, lab: list[Question]) -> None:
    first, _, hours = lab
    content = desk.content(answers={str(first.id): "here", str(hours.id): 1})
    application = desk.submitted(content=content)
    assert asking.retire_question(session, cast.challenge, first, by=cast.lead.id, at=NOON) is False

    actions.revise_application(
        session, application, desk.content(answers={str(hours.id): 2}), version=1, at=NOON
    )  # fmt: skip
    session.commit()

    assert content_of(application).answers == {str(first.id): "here", str(hours.id): 2}
    with pytest.raises(Invalid):
        actions.revise_application(session, application, desk.content(answers={}), version=2, at=NOON)


def test_strange_answers_are_left_out(session: Session, desk: Desk, lab: list[Question]) -> None:
    strange = str(max(question.id for question in lab) + 1)
    application = desk.draft(content=desk.content(answers={strange: "smuggled", str(lab[0].id): "here"}))
    assert application.answers == {str(lab[0].id): "here"}


def test_a_question_asked_later_keeps_nobody_from_coming_back(session: Session, desk: Desk, cast: Cast) -> None:
    application = desk.submitted()
    actions.withdraw_application(session, application, at=NOON)
    asking.add_question(session, cast.challenge, Asked(TEXT, "Why?", required=True), by=cast.lead.id, at=NOON)
    actions.return_application(session, application, cast.applicant, at=NOON)
    assert application.state is ApplicationState.SUBMITTED


def test_the_kind_of_an_answered_question_stays(session: Session, desk: Desk, cast: Cast, lab: list[Question]) -> None:
    first = lab[0]
    changed = Asked(NUMBER, "How far is your lab?")
    asking.change_question(session, cast.challenge, first, changed, by=cast.lead.id, at=NOON)
    desk.draft(content=desk.content(answers={str(first.id): 3}))
    with pytest.raises(Refused, match="its kind stays"):
        asking.change_question(session, cast.challenge, first, Asked(TEXT, "?"), by=cast.lead.id, at=NOON)
    asking.change_question(session, cast.challenge, first, Asked(NUMBER, "km?"), by=cast.lead.id, at=NOON)
    assert (first.label, queries.answer_counts(session, cast.challenge.id, lab)[first.id]) == ("km?", 1)


def test_questions_are_moved_deleted_retired_and_asked_again(
    session: Session, desk: Desk, cast: Cast, lab: list[Question]
) -> None:
    first, second, third = lab
    challenge, by = cast.challenge, cast.lead.id
    asking.move_question(session, challenge, third, up=True)
    asking.move_question(session, challenge, first, up=True)
    assert list(queries.questions(session, challenge.id)) == [first, third, second]
    assert asking.retire_question(session, challenge, third, by=by, at=NOON) is True
    desk.draft(content=desk.content(answers={str(first.id): "x"}))
    assert asking.retire_question(session, challenge, first, by=by, at=NOON) is False
    with pytest.raises(Refused):
        asking.retire_question(session, challenge, first, by=by, at=NOON)
    with pytest.raises(Refused, match="no longer"):
        asking.change_question(session, challenge, first, Asked(TEXT, "?"), by=by, at=NOON)
    asking.ask_again(session, challenge, first, by=by, at=NOON)
    with pytest.raises(Refused):
        asking.ask_again(session, challenge, first, by=by, at=NOON)
    assert [question.id for question in queries.questions(session, challenge.id)] == [first.id, second.id]


def test_there_are_not_more_than_a_person_answers(session: Session, cast: Cast) -> None:
    for number in range(QUESTIONS):
        asking.add_question(session, cast.challenge, Asked(TEXT, f"{number}?"), by=cast.lead.id, at=NOON)
    with pytest.raises(Refused, match="Retire one"):
        asking.add_question(session, cast.challenge, Asked(TEXT, "?"), by=cast.lead.id, at=NOON)


def test_the_lead_writes_questions(client: FlaskClient, session: Session, desk: Desk, cast: Cast) -> None:
    sign_in(client, cast.lead)
    assert "appear on the application form" in client.get(PAGE).text
    made = client.post(PAGE, data={"label": "Which?", "kind": "choice", "choices": "A\r\nB\r\nA", "personal": "y"})
    assert made.location == PAGE
    question = session.scalars(sa.select(Question)).one()
    assert (question.choices, question.personal, question.required) == (["A", "B"], True, False)
    assert client.post(PAGE, data={"label": "Which?", "kind": "choice", "choices": "A"}).status_code == 422
    assert client.post(PAGE, data={"label": "x", "kind": "nonsense"}).status_code == 422
    one = f"{PAGE}/{question.id}"
    assert "A\nB" in client.get(one).text
    assert client.post(one, data={"label": "Where?", "kind": "text"}).location == PAGE
    assert "Where?" in client.get(PAGE).text
    assert client.post(f"{one}/sideways").status_code == 404
    assert client.post(f"{one}/up").location == PAGE
    assert client.post(f"{one}/retire").location == PAGE
    assert session.scalars(sa.select(Question)).all() == []
    assert client.get(one).status_code == 404


def test_questions_of_another_challenge_are_not_found(session: Session, lab: list[Question]) -> None:
    other = make_challenge(session, "other", "Other")
    with pytest.raises(NotFound):
        queries.question(session, other.id, lab[0].id)


def test_the_form_costs_one_statement_more_however_many_questions(
    client: FlaskClient, session: Session, cast: Cast, lab: list[Question], statements: list[str]
) -> None:
    sign_in(client, cast.applicant)
    counts = []
    for _ in range(2):
        client.get(APPLY)
        statements.clear()
        client.get(APPLY)
        counts.append(len(statements))
        asking.add_question(session, cast.challenge, Asked(TEXT, "More?"), by=cast.lead.id, at=NOON)
        session.commit()
    assert counts[0] == counts[1]


def test_the_staff_page_knows_the_questions(session: Session, desk: Desk, lab: list[Question]) -> None:
    application = desk.submitted(content=desk.content(answers={str(lab[2].id): 3}))
    found = session.get_one(Application, application.id)
    assert [question.id for question in found.questions] == [question.id for question in lab]
