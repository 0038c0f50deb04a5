"""What people type about cases at other parties."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from wtforms import BooleanField, DateTimeLocalField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, Regexp, ValidationError

from portal.core.forms import Form
from portal.reports.actions.upstream import CaseText
from portal.reports.models import UpstreamCase
from portal.reports.rules import cve_ids, instant_of
from portal.reports.rules.disclosing import link_fault

NEUTRAL = "In clear: nothing of how it is done."


class CaseForm(Form):
    """A new case at a party, which may be new itself."""

    title = StringField("Title", [DataRequired("Give it a title."), Length(max=120)], description=NEUTRAL)
    party = SelectField("Party", coerce=str, default="")
    name = StringField("Name of a new party", [Length(max=120)])
    contact = StringField(
        "Contact", [Length(max=254)], description="The address to which it is reported, if the party is new."
    )
    page = StringField(
        "Its security page", [Optional(), Length(max=300), Regexp(r"^https://\S+$", message="It begins with https://")]
    )

    def validate_name(self, field: StringField) -> None:
        """A party is chosen, or named with its contact."""
        if self.party.data:
            return
        if not field.data:
            raise ValidationError("Choose a party, or name a new one.")
        if not self.contact.data:
            raise ValidationError("Say how they are reached.")


class CaseTextForm(Form):
    """What is known of a case."""

    title = StringField("Title", [DataRequired("Give it a title."), Length(max=120)], description=NEUTRAL)
    their_reference = StringField("Their reference", [Length(max=80)])
    cves = StringField("CVE ids", [Length(max=500)], description="Several with spaces between: CVE-2020-16119.")
    public_page = StringField(
        "Public page", [Optional(), Length(max=300)],
        description="Theirs, about this case. Advisories link it once the embargo is over, or, without one, once it is "
        "fixed or refused.",
    )  # fmt: skip
    embargo = DateTimeLocalField("Embargo until", [Optional()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])
    zone = StringField("On the clocks of", [Length(max=64)], description="A time zone: Europe/Berlin.")

    def validate_public_page(self, field: StringField) -> None:
        """Only what can be linked safely."""
        fault = link_fault(field.data) if field.data else None
        if fault:
            raise ValidationError(fault)

    def validate_cves(self, field: StringField) -> None:
        """Each is one."""
        try:
            cve_ids(field.data or "")
        except ValueError as problem:
            raise ValidationError(str(problem)) from None

    def validate_zone(self, field: StringField) -> None:
        """There is such a zone, and such an hour in it."""
        if not self.embargo.data:
            return
        if field.data not in available_timezones():
            raise ValidationError("There is no such zone.")
        try:
            instant_of(self.embargo.data, field.data)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None

    def text(self) -> CaseText:
        """The values, once they are valid."""
        until: datetime | None = None
        if self.embargo.data:
            until = instant_of(self.embargo.data, self.zone.data or "UTC")
        return CaseText(
            self.title.data or "", self.their_reference.data or "", tuple(cve_ids(self.cves.data or "")), until,
            self.zone.data if until else None, self.public_page.data or "",
        )  # fmt: skip

    @classmethod
    def of(cls, case: UpstreamCase, zone: str) -> "CaseTextForm":
        """As the case stands, with the hour on its own clocks."""
        clocks = case.embargo_zone or zone
        local = case.embargo_until.astimezone(ZoneInfo(clocks)).replace(tzinfo=None) if case.embargo_until else None
        return cls(
            formdata=None, title=case.title, their_reference=case.their_reference, cves=" ".join(case.cves),
            embargo=local, zone=clocks, public_page=case.public_page,
        )  # fmt: skip


class SubjectForm(Form):
    """Which report a case is about."""

    report = StringField(
        "Report",
        [DataRequired("Name the report."), Length(max=40)],
        description="With its link, if it is one: R-0007/2.",
    )


class CaseStepForm(Form):
    """What a step of a case says."""

    move = HiddenField()
    fixed_in = StringField("Fixed in", [Length(max=120)], description="A version, or a commit.")
    note = TextAreaField("Note for the team", [Length(max=1000)])


class RemarkForm(Form):
    """Something about a case."""

    text = TextAreaField("Note", [DataRequired("Write something."), Length(max=1000)], description=NEUTRAL)
    heard = BooleanField("They said it: their silence begins anew")


class PassingOnForm(Form):
    """Whether a report may be passed on."""

    allowed = RadioField(
        "If it concerns somebody else's product, a kernel's say, may the team report it there?",
        choices={"yes": "Yes", "no": "No"}, validators=[DataRequired("Say yes or no.")],
    )  # fmt: skip
    credit = StringField(
        "Credit", [Length(max=120)], description="Under which name they may thank you. Empty: under none."
    )
