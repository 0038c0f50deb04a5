"""The base of every form: CSRF, and text without the spaces around it and without what no database keeps."""

from collections.abc import MutableMapping
from typing import Any, ClassVar, TypeVar

from flask_wtf import FlaskForm
from werkzeug.datastructures import FileStorage
from wtforms import FileField, IntegerField, PasswordField, StringField, TextAreaField, ValidationError
from wtforms.fields.core import Field, UnboundField
from wtforms.form import BaseForm
from wtforms.meta import DefaultMeta
from wtforms.validators import Optional

from portal.core.errors import Invalid
from portal.core.tables import text_of, too_long

_Kind = TypeVar("_Kind", bound=Field)


def stripped(value: object) -> object:
    """Text without surrounding white space and NULs, which PostgreSQL refuses; anything else as it is."""
    return value.replace("\0", "").strip() if isinstance(value, str) else value


class _Stripping(DefaultMeta):
    def bind_field(
        self, form: BaseForm, unbound_field: "UnboundField[_Kind]", options: MutableMapping[str, Any]
    ) -> _Kind:
        """Strip what is typed into text fields, so that a blank is empty; a password stays as it is."""
        kind = unbound_field.field_class
        if issubclass(kind, StringField) and not issubclass(kind, PasswordField):
            options["filters"] = [*unbound_field.kwargs.get("filters", ()), stripped]
        return unbound_field.bind(form=form, **options)


class Form(FlaskForm):
    """Text → value or message. Forms know no database."""

    class Meta(_Stripping, FlaskForm.Meta):
        """Stripping, and Flask-WTF's CSRF."""


class TableForm(Form):
    """A table to read in: a file, or pasted. `good` is how many rows the person was told are good.

    Each such form says how many characters are the most (`largest`).
    """

    largest: ClassVar[int]

    file = FileField("File", description="CSV, with a first line that names the columns.",
                     render_kw={"accept": ".csv,text/csv"})  # fmt: skip
    text = TextAreaField("Or paste the table", render_kw={"rows": 8, "class": "mono", "spellcheck": "false"})
    good = IntegerField(validators=[Optional()])

    def validate_text(self, field: TextAreaField) -> None:
        """It may not be longer than what is read."""
        if len(field.data or "") > self.largest:
            raise ValidationError(too_long(self.largest))

    def table(self, sent: FileStorage | None) -> str:
        """The table that was sent or pasted; it stays in the form whatever is wrong with it. Raises Invalid."""
        data = sent.read(self.largest + 1) if sent else b""
        if sent:
            sent.close()
        if len(data) > self.largest:
            raise Invalid({"file": too_long(self.largest)})
        if data:
            self.text.data = text_of(data)
        if not self.validate():
            raise Invalid({"file": " ".join(str(told) for errors in self.errors.values() for told in errors)})
        if not self.text.data:
            raise Invalid({"file": "Choose a file, or paste a table."})
        return str(self.text.data)

    def refuse(self, problem: Invalid) -> None:
        """Say at the file why the table as a whole cannot be read."""
        self.file.errors = [problem.messages.get("file", problem.reason)]

    def skips(self, good: int) -> bool:
        """Whether the person has seen that so many rows are good, and wants the others left out."""
        return good > 0 and self.good.data == good
