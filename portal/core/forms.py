"""The base of every form: CSRF, and text without the spaces around it and without what no database keeps."""

from collections.abc import MutableMapping
from typing import Any, TypeVar

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.fields.core import Field, UnboundField
from wtforms.form import BaseForm
from wtforms.meta import DefaultMeta

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
