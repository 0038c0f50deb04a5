"""Applications as tables and as JSON: what is written out can be read in again, and what cannot is told row by row."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portal.accounts.rules import canonical_email, clean_name
from portal.applications.models import Application, Question
from portal.applications.rules.content import Content, content_of, faults, is_address
from portal.applications.rules.questions import asked_now, parsed
from portal.applications.states import ApplicantKind, QuestionKind
from portal.core.errors import Invalid
from portal.core.tables import UNKNOWN, Fault, Row, Sheet, guarded, read_table, refuse_many, text_of

LARGEST, MOST_ROWS = 40 * 1024 * 1024, 10_000
_TEXTS = ("name", "handle", "affiliation", "country", "kind")
_ESSAYS = ("experience", "plan", "kit_use", "certificate")
_STATEMENTS = ("adult", "permitted", "independent", "agrees")
# Written for the reader's sake; an application that is read in gets its own.
READ_PAST = ("id", "state", "state_since")
# The staff's: whether a place comes with a kit, and where not, why.
_KIT = ("needs_kit", "no_kit_because")
COLUMNS = (
    *READ_PAST, "submitted_at", "email", *_TEXTS, "team", "links", "scenarios", *_ESSAYS, *_STATEMENTS, *_KIT,
)  # fmt: skip
_REASON_LENGTH = 300
_YES, _NO = frozenset({"yes", "y", "true", "1", "x", "on"}), frozenset({"", "no", "n", "false", "0", "off"})
_ANSWER = re.compile(r"answer_[1-9]\d{0,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows are held against: the scenarios by code, the questions, and the mailboxes that have applied."""

    scenarios: Mapping[str, int]
    questions: Sequence[Question]
    taken: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that can become an application."""

    line: int
    email: str
    content: Content
    submitted_at: datetime
    # Why no kit is needed; None where one is.
    no_kit_because: str | None = None

    @property
    def mailbox(self) -> str:
        """The address without what mail systems ignore."""
        return canonical_email(self.email)


@dataclass(frozen=True, slots=True)
class Checked:
    """What can be taken over and what not."""

    good: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def columns(questions: Sequence[Question]) -> list[str]:
    """The columns of a table: what every application tells, and each question that was ever asked."""
    return [*COLUMNS, *(question.field for question in questions)]


def as_object(application: Application, email: str) -> dict[str, Any]:
    """An application as JSON. Answers stand under the numbers of their questions."""
    told = content_of(application).snapshot()
    del told["scenario_ids"]
    return {
        "id": application.id, "state": application.state.value, "state_since": _instant(application.state_since),
        "submitted_at": _instant(application.submitted_at), "email": email,
        "scenarios": [scenario.code for scenario in application.scenarios], **told,
        "needs_kit": application.needs_kit, "no_kit_because": application.no_kit_because,
    }  # fmt: skip


def as_cells(told: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The same as a row of a table: lists one a line, statements as yes and no, everything guarded."""
    answers = {f"answer_{number}": answer for number, answer in told["answers"].items()}
    return [guarded(_cell(name, {**told, **answers}.get(name))) for name in names]


def _cell(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return (" " if name == "scenarios" else "\n").join(value)
    return "" if value is None else str(value)


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def read(data: bytes, filename: str) -> Sheet:
    """Read a file, CSV or JSON by its name or its beginning. Raises Invalid where it is neither or too much."""
    if len(data) > LARGEST:
        raise Invalid({"file": f"The file is larger than {LARGEST // 1024 // 1024} MiB. Divide it."})
    text = text_of(data)
    is_json = filename.lower().endswith(".json") or text.lstrip()[:1] in ("[", "{")
    sheet = _read_json(text) if is_json else read_table(text, "email", _is_known, MOST_ROWS)
    if not sheet.rows and not sheet.faults:
        raise Invalid({"file": "There is no application in this file."})
    return sheet


def _is_known(name: str) -> bool:
    return name in COLUMNS or bool(_ANSWER.fullmatch(name))


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _read_json(text: str) -> Sheet:
    try:
        told = json.loads(text, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid({"file": f"This is no JSON: {str(error)[:200]}."}) from error
    if isinstance(told, dict):
        told = told.get("applications")
    if not isinstance(told, list):
        raise Invalid({"file": "A list of applications is expected, or an object with one under “applications”."})
    refuse_many(len(told), MOST_ROWS)
    rows, wrong, unknown = [], [], set[str]()
    for line, each in enumerate(told, 1):
        if isinstance(each, dict):
            rows.append(Row(line, _flat(each)))
            unknown.update(
                (line, name) and name for name in rows[-1].values if not _is_known(name) and name not in unknown
            )
        else:
            wrong.append(Fault(line, "", "An object is expected."))
    return Sheet(rows, [*(Fault(1, name[:80], UNKNOWN) for name in sorted(unknown)), *wrong])


def _flat(told: Mapping[str, Any]) -> dict[str, Any]:
    """Answers beside the rest, under the names that tables have for them."""
    answers = told.get("answers")
    if not isinstance(answers, dict):
        return dict(told)
    named = {f"answer_{number}": answer for number, answer in answers.items()}
    return {name: value for name, value in told.items() if name != "answers"} | named


def check(sheet: Sheet, known: Known, at: datetime) -> Checked:
    """Hold every row against what the form would ask, and against the others."""
    checked = Checked(faults=list(sheet.faults))
    seen: dict[str, int] = {}
    for row in sheet.rows:
        entry, wrong = entry_of(row, known, at)
        if not wrong and entry.mailbox in known.taken:
            wrong = [Fault(row.line, "email", "This mailbox has applied for this challenge already.")]
        elif not wrong and entry.mailbox in seen:
            wrong = [Fault(row.line, "email", f"This is the same mailbox as in line {seen[entry.mailbox]}.")]
        if wrong:
            checked.faults.extend(wrong)
        else:
            seen[entry.mailbox] = row.line
            checked.good.append(entry)
    return checked


def entry_of(row: Row, known: Known, at: datetime) -> tuple[Entry, list[Fault]]:
    """One row as an application, and what is wrong with it."""
    reading = _Reading(row, {})
    content = _content(reading, known)
    email = reading.text("email").lower()
    if not is_address(email):
        reading.wrong.setdefault("email", "Not an e-mail address.")
    submitted, no_kit_because = _submitted(reading, at), _no_kit(reading)
    told = {**faults(content, set(known.scenarios.values()), known.questions), **reading.wrong}
    chosen = told.pop("scenario_ids", None)
    if chosen:
        told.setdefault("scenarios", chosen)
    wrong = [Fault(row.line, name, message) for name, message in told.items()]
    return Entry(row.line, email, content, submitted, no_kit_because), wrong


def _content(reading: "_Reading", known: Known) -> Content:
    kind = reading.text("kind").lower() or ApplicantKind.SINGLE.value
    if kind not in list(ApplicantKind):
        reading.wrong["kind"] = "Write single or team."
        kind = ApplicantKind.SINGLE.value
    codes = reading.items("scenarios", r"[\s,;]+")
    strange = [code for code in codes if code not in known.scenarios]
    if strange:
        reading.wrong["scenarios"] = f"There is no scenario {strange[0][:40]}."
    return Content(
        name=clean_name(reading.text("name")), handle=reading.text("handle"), affiliation=reading.text("affiliation"),
        country=reading.text("country").upper(), kind=ApplicantKind(kind),
        team=tuple(reading.items("team", r"\s*\n\s*")),
        links=tuple(reading.items("links", r"\s*\n\s*")),
        scenario_ids=frozenset(known.scenarios[code] for code in codes if code in known.scenarios),
        answers=_answers(reading, known.questions),
experience=reading.text("experience"), plan=reading.text("plan"), kit_use=reading.text("kit_use"),
        certificate=reading.text("certificate"), adult=reading.yes("adult"), permitted=reading.yes("permitted"),
        independent=reading.yes("independent"), agrees=reading.yes("agrees"),
    )  # fmt: skip


def _answers(reading: "_Reading", questions: Sequence[Question]) -> dict[str, Any]:
    asked = {question.field: question for question in asked_now(questions)}
    retired = {question.field for question in questions} - asked.keys()
    for name in reading.row.values:
        if _ANSWER.fullmatch(name) and name not in asked and name not in retired and reading.text(name):
            reading.wrong[name] = "There is no such question in this challenge."
    told = {str(question.id): _answer(reading, question) for name, question in asked.items()}
    return {number: answer for number, answer in told.items() if answer != ""}


def _answer(reading: "_Reading", question: Question) -> Any:
    value = reading.row.values.get(question.field)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if question.kind is QuestionKind.NUMBER and is_number:
        return value
    return parsed(question, reading.text(question.field))


def _submitted(reading: "_Reading", at: datetime) -> datetime:
    text = reading.text("submitted_at")
    if not text:
        return at
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        reading.wrong["submitted_at"] = "Write a time with its zone, such as 2020-06-15T12:00:00Z."
        return at
    if told > at or told.year < 1990:
        reading.wrong["submitted_at"] = "This time lies in the future." if told > at else "This time is too long ago."
        return at
    return told.astimezone(UTC)


def _no_kit(reading: "_Reading") -> str | None:
    """Why no kit is needed; None where one is, which it is where nothing is said."""
    reason, said = reading.text("no_kit_because"), reading.row.values.get("needs_kit") not in (None, "")
    needed, wrong = reading.yes("needs_kit") if said else True, None
    if needed and reason:
        wrong = "Here stands why none is needed: write no under needs_kit."
    elif not needed and not reason:
        wrong = "Say why no kit is needed."
    elif len(reason) > _REASON_LENGTH:
        wrong = f"At most {_REASON_LENGTH} characters."
    if wrong and "needs_kit" not in reading.wrong:
        reading.wrong.setdefault("no_kit_because", wrong)
    return None if needed else reason


@dataclass(slots=True)
class _Reading:
    """The values of one row, and what was wrong with them, by column."""

    row: Row
    wrong: dict[str, str]

    def text(self, name: str) -> str:
        """A value as text."""
        value = self.row.values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            self.wrong[name] = "Text is expected."
        return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""

    def items(self, name: str, between: str) -> list[str]:
        """A value as a list: it is one, or text with something between its parts. Each once."""
        value = self.row.values.get(name)
        parts: Iterator[Any] = iter(value if isinstance(value, list) else re.split(between, self.text(name)))
        found = list(parts)
        if not all(isinstance(part, str) for part in found):
            self.wrong[name] = "A list of texts is expected."
            return []
        return list(dict.fromkeys(part.strip() for part in found if part.strip()))

    def yes(self, name: str) -> bool:
        """A statement: true or false, yes or no."""
        value = self.row.values.get(name)
        if isinstance(value, bool):
            return value
        text = self.text(name).lower()
        if text not in _YES | _NO:
            self.wrong[name] = "Write yes or no."
        return text in _YES
