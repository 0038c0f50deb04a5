"""What people type about the links of a chain, as values or messages."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, Regexp, ValidationError

from portal.core.forms import Form
from portal.core.moves import Move
from portal.reports.forms.base import SEVERITIES
from portal.reports.models import KnownIssue, Report, ReportLink
from portal.reports.rules import MOST_LINKS, LinkText, Verdict, missing
from portal.reports.states import LinkKind, LinkState, Severity

KINDS = {each.value: each.value.capitalize() for each in LinkKind}
IN_CLEAR = "In clear, so in general words: nothing of how it is done."
_ONE_LINE = Regexp(r"^[^\r\n\t]*$", message="One line only.")
_LENGTHS = {"title": 120, "assumes": 200, "gives": 200}
_NAMED = re.compile(r"\s*([A-Za-z]+-\d{1,8})(?:\s*(?:/|#|,?\s*link)\s*(\d{1,3}))?\s*")


def named_first(text: str) -> tuple[str, int | None] | None:
    """The reference of a report and the number of a link, from “R-0007/2”; None where it is none."""
    found = _NAMED.fullmatch(text)
    return (found[1].upper(), int(found[2]) if found[2] else None) if found else None


class LinksField(TextAreaField):
    """The links of a chain: one a line (title | starts from | gives), or, from programs, a list of objects."""

    links: tuple[LinkText, ...] = ()

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read either form; raises ValueError with a message."""
        if len(valuelist) == 1 and isinstance(valuelist[0], str):
            self.data = valuelist[0].replace("\0", "")
            rows: list[Any] = [_line(line) for line in self.data.splitlines() if line.strip()]
        else:
            self.data, rows = "", list(valuelist)
        if len(rows) > MOST_LINKS:
            raise ValueError(f"At most {MOST_LINKS} links.")
        self.links = tuple(_link(row) for row in rows)


def _line(line: str) -> dict[str, str]:
    parts = [part.strip() for part in line.split("|")]
    if len(parts) > 3:
        raise ValueError("A line has at most three parts: title | starts from | gives.")
    return dict(zip(_LENGTHS, parts, strict=False))


def _link(row: Any) -> LinkText:
    if not isinstance(row, Mapping) or not set(row) <= {"kind", *_LENGTHS}:
        raise ValueError("A link has title, kind, assumes and gives.")
    words = {name: row.get(name) or "" for name in _LENGTHS}
    for name, most in _LENGTHS.items():
        if not isinstance(words[name], str) or len(words[name]) > most or re.search(r"[\r\n\t\0]", words[name]):
            raise ValueError(f"The {name} of a link is one line of at most {most} characters.")
    if not words["title"].strip():
        raise ValueError("Each link needs a title.")
    kind = row.get("kind") or LinkKind.OTHER.value
    if kind not in list(LinkKind):
        raise ValueError(f"The kind of a link is one of {', '.join(LinkKind)}.")
    assumes, gives = words["assumes"].strip() or None, words["gives"].strip() or None
    return LinkText(words["title"].strip(), LinkKind(kind), assumes, gives)


class LinkForm(Form):
    """One link of a chain."""

    title = StringField("Title", [DataRequired("Give it a title."), Length(max=120), _ONE_LINE], description=IN_CLEAR)
    kind = SelectField("What it does", choices=KINDS, default=LinkKind.OTHER.value)
    assumes = StringField(
        "Starts from", [Length(max=200), _ONE_LINE], description="The capability that one has before it."
    )
    gives = StringField("Gives", [Length(max=200), _ONE_LINE], description="The capability that one has after it.")

    def text(self) -> LinkText:
        """The values, once they are valid."""
        return LinkText(
            self.title.data or "", LinkKind(self.kind.data), self.assumes.data or None, self.gives.data or None
        )


class SplitForm(Form):
    """The second of two links that are made of one."""

    middle = StringField(
        "What the first one gives", [DataRequired("Say what is between the two."), Length(max=200), _ONE_LINE],
        description="Where the second one starts from.",
    )  # fmt: skip
    title = StringField("Title of the second", [DataRequired("Give it a title."), Length(max=120), _ONE_LINE])
    kind = SelectField("What the second one does", choices=KINDS, default=LinkKind.OTHER.value)

    def second(self) -> LinkText:
        """The second link, once it is valid; what it gives, the first one tells."""
        return LinkText(self.title.data or "", LinkKind(self.kind.data), self.middle.data or None)


class OrderForm(Form):
    """The links by their numbers, in another order."""

    order = StringField("Order", [DataRequired("Name the links."), Regexp(r"^\d{1,3}([ ,]+\d{1,3})*$")])

    def numbers(self) -> list[int]:
        """The values, once they are valid."""
        return [int(number) for number in re.findall(r"\d+", self.order.data or "")]


class VerdictForm(Form):
    """What a triager says with a decision on a link. What is named in it is looked up by the view."""

    severity = SelectField("Severity", choices={"": "Choose", **SEVERITIES}, default="")
    achieved = SelectField("Scenario achieved", coerce=str, default="")
    duplicate_of = StringField(
        "Duplicate of", [Length(max=40)], description="The report that was first, with its link: R-0007/2."
    )
    known_issue = SelectField("Known issue", coerce=str, default="")
    mitigating_layer = StringField(
        "Mitigated by", [Length(max=200)], description="The part of the system that mitigates it."
    )
    fixed_release = StringField("Release", [Length(max=40)])
    fixed_on = DateField("Released on", [Optional()])
    message = TextAreaField(
        "Message to the researcher", [Length(max=800)], description="In clear, on the report's page. No details."
    )

    first: tuple[Report, ReportLink | None] | None = None
    issue: KnownIssue | None = None

    def validate_duplicate_of(self, field: StringField) -> None:
        """It names a report, perhaps with a link."""
        if field.data and not _NAMED.fullmatch(field.data):
            raise ValidationError("Name a report, or a link of it: R-0007 or R-0007/2.")

    def named(self) -> tuple[str, int | None] | None:
        """The reference and the number of the link that are named as the first."""
        return named_first(self.duplicate_of.data or "")

    def check(self, step: Move[LinkState]) -> bool:
        """Whether everything is there that the step needs, with messages at the fields where it is not."""
        good = self.validate()
        for name, message in missing(step, self.verdict()).items():
            if not self[name].errors:
                self[name].errors = [message]
        return good and not self.errors

    def verdict(self) -> Verdict:
        """The values."""
        return Verdict(
            message=self.message.data or None,
            severity=Severity(self.severity.data) if self.severity.data in list(Severity) else None,
            achieved_scenario_id=int(self.achieved.data) if str(self.achieved.data or "").isdecimal() else None,
            mitigating_layer=self.mitigating_layer.data or None,
            duplicate_of=self.first,
            known_issue=self.issue,
            fixed_release=self.fixed_release.data or None,
            fixed_on=self.fixed_on.data,
        )


class AllowLaterForm(Form):
    """A lead lets a report be a duplicate of one that arrived later."""

    report = StringField("The report", [DataRequired("Name the report."), Length(max=16)])
    first = StringField("The one that arrived later", [DataRequired("Name the report."), Length(max=16)])
    reason = StringField(
        "Why", [DataRequired("Say why."), Length(max=300)], description="For the team. Nothing of the content."
    )
