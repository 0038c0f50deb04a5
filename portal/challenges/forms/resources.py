"""What people send about builds, resources and announcements."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask_wtf.file import FileField
from wtforms import DateField, DateTimeField, DateTimeLocalField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from portal.challenges.actions.news import Notice
from portal.challenges.actions.resources import Offer, Release
from portal.challenges.forms import CLOCK
from portal.challenges.models import Announcement, Build, Resource
from portal.challenges.states import NewsMail, ResourceKind
from portal.core.forms import Form


def one_line(value: object) -> object:
    """Text without line breaks: titles stand in mails."""
    return " ".join(value.split()) if isinstance(value, str) else value


def _title(most: int) -> StringField:
    return StringField("Title", [DataRequired("Give it a title."), Length(max=most)], filters=[one_line])


def _build(description: str) -> SelectField:
    return SelectField("Build", choices=[], description=description, validators=[Optional()])


class BuildForm(Form):
    """A build and what changed in it."""

    name = StringField(
        "Name", [DataRequired("Give it a name."), Length(max=60)], filters=[one_line],
        description="As reports name it, and for good: 20.07.",
    )  # fmt: skip
    released_on = DateField("Released on", [InputRequired("Say when it was released.")])
    notes = TextAreaField("Release notes", description="Markdown. What changed since the build before.")

    def release(self) -> Release:
        """The values, once they are valid."""
        assert self.released_on.data is not None
        return Release(self.name.data or "", self.released_on.data, self.notes.data or "")


class ResourceForm(Form):
    """A resource of any kind; `for_kind` takes away what a kind does not have."""

    title = _title(120)
    summary = StringField(
        "Summary", [Length(max=300)], filters=[one_line], description="One line beside the title in the list."
    )
    build_id = _build("Where it belongs to one build.")
    body = TextAreaField("Text", [DataRequired("Write the text.")], description="Markdown.")
    url = StringField(
        "Address", [DataRequired("Give the address."), Length(max=2000)],
        description="https://… It is shown with its host, and opened without telling it where the reader came from.",
    )  # fmt: skip

    @classmethod
    def for_kind(cls, kind: ResourceKind, builds: Sequence[Build], resource: Resource | None = None) -> "ResourceForm":
        """The form for one kind, with what a resource says now."""
        form = cls(obj=resource)
        offer_builds(form.build_id, builds)
        if kind is not ResourceKind.DOCUMENT:
            del form.body
        if kind is not ResourceKind.LINK:
            del form.url
        return form

    def offer(self) -> Offer:
        """The values, once they are valid."""
        body, url = (self._fields.get(name) for name in ("body", "url"))
        return Offer(
            title=self.title.data or "", summary=self.summary.data or "", build_id=chosen_build(self.build_id),
            body=body.data if body else None, url=url.data if url else None,
        )  # fmt: skip


def offer_builds(field: SelectField, builds: Sequence[Build]) -> None:
    """Let one of some builds be chosen, or none."""
    field.choices = {"": "no build"} | {str(build.id): build.name for build in builds}
    field.data = str(field.data) if field.data else ""


def chosen_build(field: SelectField) -> int | None:
    """The number of the build that was chosen."""
    return int(field.data) if field.data else None


class FileForm(Form):
    """The file of a download."""

    file = FileField("File")


class AnnouncementForm(Form):
    """Something that every participant should know. The time is that of the challenge's clocks."""

    title = _title(120)
    body = TextAreaField("Text", [DataRequired("Write the text.")], description="Markdown.")
    build_id = _build("Release notes and news of a build stand on its page as well.")
    publish_at: DateTimeField = DateTimeLocalField("Publish at", [Optional()], format=CLOCK)

    @classmethod
    def of(cls, builds: Sequence[Build], zone: str, announcement: Announcement | None = None) -> "AnnouncementForm":
        """The form, with what a planned announcement says now."""
        values: dict[str, object] = {}
        if announcement:
            values = {name: getattr(announcement, name) for name in ("title", "body", "build_id")}
            values["publish_at"] = announcement.publish_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        form = cls(data=values)
        offer_builds(form.build_id, builds)
        return form

    def notice(self, zone: str) -> Notice:
        """The values; without a time it goes out now."""
        told: datetime | None = self.publish_at.data
        publish_at = told.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if told else None
        return Notice(self.title.data or "", self.body.data or "", chosen_build(self.build_id), publish_at)


class NewsMailForm(Form):
    """When a member wants mail about announcements."""

    choice = RadioField(
        "Mail about announcements",
        choices={
            NewsMail.AT_ONCE.value: "At once, each by itself",
            NewsMail.DAILY.value: "Once a day, in the morning, if there is something you have not read",
            NewsMail.NEVER.value: "Never",
        },
        validators=[InputRequired("Choose one.")],
    )
