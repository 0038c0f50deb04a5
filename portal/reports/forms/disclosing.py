"""What is typed about dates of disclosure, publications and thanks."""

from datetime import date

from wtforms import BooleanField, DateField, HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from portal.challenges.forms.hours import HourForm
from portal.core.forms import Form
from portal.reports.actions.disclosing import Date
from portal.reports.actions.publications import Link, Thanks
from portal.reports.rules.disclosing import link_fault
from portal.reports.states import Credit, PublicationKind

NEUTRAL = "In clear, so neutral: nothing of the finding."
KINDS = {
    PublicationKind.POST.value: "Post or write-up",
    PublicationKind.TALK.value: "Talk",
    PublicationKind.VIDEO.value: "Video",
    PublicationKind.CODE.value: "Code",
    PublicationKind.PAPER.value: "Paper",
}
CREDITS = {
    Credit.NAMED.value: "Under the name below",
    Credit.TEAM.value: "As my team, under the name below",
    Credit.ANONYMOUS.value: "As an anonymous researcher",
}


def check_link(_form: Form, field: StringField) -> None:
    """Only what can be linked safely."""
    fault = link_fault(field.data or "") if field.data else None
    if fault:
        raise ValidationError(fault)


class DateForm(HourForm):
    """A date for disclosure."""

    without_fix = BooleanField("It may be before the fix is out", description="Both sides have to say so.")
    message = TextAreaField("Message", [Length(max=500)], description=NEUTRAL)

    def proposal(self) -> Date:
        """The values, once they are valid."""
        assert self.instant is not None
        return Date(self.instant, str(self.zone.data), self.message.data or None, bool(self.without_fix.data))


class AnswerForm(Form):
    """Yes, no, or taken back."""

    answer = HiddenField()
    number = HiddenField()
    without_fix = BooleanField("It may be before the fix is out", description="The other side has said so already.")
    reason = TextAreaField("Why not", [Length(max=500)], description=NEUTRAL)


class PublicationForm(Form):
    """Something on the web."""

    title = StringField("Title", [DataRequired("Give its title."), Length(max=200)])
    url = StringField(
        "Address", [DataRequired("Give its address."), Length(max=500), check_link],
        description="It begins with https://. The portal links it and never opens it.",
    )  # fmt: skip
    kind = RadioField("Kind", choices=KINDS, default=PublicationKind.POST.value)
    published_on = DateField("Published on", [InputRequired("Choose the day.")])
    reports = SelectMultipleField(
        "About these reports", [Optional()], choices=[], coerce=str,
        description="Not listed before the embargo of each is over. None: about the challenge as a whole.",
    )  # fmt: skip

    def link(self) -> Link:
        """The values, once they are valid."""
        return Link(
            title=self.title.data or "",
            url=self.url.data or "",
            kind=PublicationKind(self.kind.data),
            published_on=self.published_on.data or date.min,
            report_ids=tuple(int(each) for each in self.reports.data or ()),
        )


class DecideForm(Form):
    """Whether a publication is listed."""

    move = HiddenField()
    reason = StringField("Why not", [Length(max=300)])


class CreditForm(Form):
    """How a member wants to be thanked for a report."""

    kind = RadioField("How", choices=CREDITS, default=Credit.NAMED.value)
    name = StringField("Name to print", [Length(max=120)])
    url = StringField("Link", [Length(max=500), check_link], description="A page of yours, if you want it linked.")
    everywhere = BooleanField("For all reports of mine and my team in this challenge")

    def validate_name(self, field: StringField) -> None:
        """A name is there unless one wants none."""
        if self.kind.data != Credit.ANONYMOUS.value and not field.data:
            raise ValidationError("Write the name that should be printed.")

    def thanks(self) -> Thanks:
        """The values, once they are valid."""
        kind = Credit(self.kind.data)
        if kind is Credit.ANONYMOUS:
            return Thanks(kind)
        return Thanks(kind, self.name.data or None, self.url.data or None)
