"""What the forms of kits share."""

from typing import Any, TypeVar

from wtforms import StringField
from wtforms.validators import DataRequired, Length, Optional

from portal.core.forms import Form

NEEDED = DataRequired("This is needed.")


Kind = TypeVar("Kind", bound=Form)


def told_apart(form: Kind, suffix: object) -> Kind:
    """The same form under other ids, where a page has several of its kind. The names stay."""
    for field in form:
        field.id = f"{field.id}-{suffix}"
    return form


def line(label: str, most: int, *checks: Any, **more: Any) -> StringField:
    return StringField(label, [*(checks or (Optional(),)), Length(max=most)], **more)
