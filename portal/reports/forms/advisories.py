"""What is typed about advisories."""

from collections.abc import Sequence

from wtforms import SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from portal.challenges.models import Build
from portal.core.forms import Form
from portal.reports.actions.advisories import Particulars, Words
from portal.reports.models import Report
from portal.reports.rules.advisories import WEAKNESSES


class AdvisoryForm(Form):
    """What it says to everybody."""

    title = StringField(
        "Title", [DataRequired("Give it a title."), Length(max=200)],
        description="Public. What is affected and what can happen: “Privilege escalation in the application manager”.",
    )  # fmt: skip
    summary = TextAreaField(
        "Summary", [DataRequired("Sum it up."), Length(max=1000)], description="Public, two or three sentences."
    )
    details = TextAreaField(
        "Details", [DataRequired("Write the details."), Length(max=20_000)],
        description="Public. Markdown. Written anew for everybody: what was sealed does not belong here.",
    )  # fmt: skip
    vendor = StringField("Vendor", [DataRequired("Name the vendor."), Length(max=120)])
    product = StringField("Product", [DataRequired("Name the product."), Length(max=120)])
    change = StringField(
        "What this version changes", [Length(max=200)], description="A line of the history. The first one is short."
    )

    def words(self) -> Words:
        """The values, once they are valid."""
        names = ("title", "summary", "details", "vendor", "product", "change")
        return Words(**{name: self[name].data or "" for name in names})


class FlawForm(Form):
    """One vulnerability in it."""

    report = SelectField("Report", coerce=str)
    title = StringField("Title", [DataRequired("Give it a title."), Length(max=200)], description="Public.")
    text = TextAreaField("Description", [DataRequired("Describe it."), Length(max=2000)], description="Public.")
    cve = StringField(
        "CVE id",
        [Length(max=20)],
        description="CVE-2020-12345, if one was assigned. Empty at first: the one of the case at another party.",
    )
    cwe = SelectField(
        "Weakness", choices={"": "Not said", **{key: f"{key}: {name}" for key, name in WEAKNESSES.items()}}, default=""
    )
    cvss = StringField("CVSS 3.1 vector", [Length(max=120)], description="CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H")
    affected = SelectMultipleField("Builds that have the flaw", [Optional()], coerce=str, choices=[])
    fixed = SelectMultipleField("Builds with the fix", [Optional()], coerce=str, choices=[])

    def offer(self, reports: Sequence[Report], builds: Sequence[Build]) -> "FlawForm":
        """Fill the lists."""
        self.report.choices = {"": "Choose", **{str(each.id): f"{each.ref} {each.title}" for each in reports}}
        for field in (self.affected, self.fixed):
            field.choices = [(str(each.id), each.name) for each in builds]
        return self

    def particulars(self) -> Particulars:
        """The values, once they are valid."""
        return Particulars(
            title=self.title.data or "",
            text=self.text.data or "",
            cve=(self.cve.data or "").upper() or None,
            cwe=self.cwe.data or None,
            cvss=self.cvss.data or None,
            affected=tuple(int(each) for each in self.affected.data or ()),
            fixed=tuple(int(each) for each in self.fixed.data or ()),
        )
