"""What finance types about payments."""

from wtforms import StringField
from wtforms.validators import Length

from portal.awards.forms.awards import NEEDED
from portal.awards.models import Payment
from portal.awards.rules.bank import LARGEST
from portal.awards.states import PaymentState
from portal.core.forms import Form, TableForm
from portal.core.moves import Move

_FIELDS = ("reason", "donated_to", "reference")


class PaymentForm(Form):
    """What a step of a payment needs."""

    reason = StringField("Reason", [NEEDED, Length(max=300)])
    donated_to = StringField("Donated to", [NEEDED, Length(max=120)])
    reference = StringField("Payment reference", [NEEDED, Length(max=80)])

    @classmethod
    def of(cls, move: Move[PaymentState], payment: Payment) -> "PaymentForm":
        """The form of a step, with only the fields that it needs."""
        form = cls()
        for name in _FIELDS:
            if name not in move.needs:
                del form[name]
        for field in form:
            field.id = f"{field.id}-{move.name}-{payment.id}"
        return form

    def given(self) -> dict[str, str]:
        """What was typed."""
        return {name: self[name].data for name in _FIELDS if name in self}


class ResultsForm(TableForm):
    """What the bank says."""

    largest = LARGEST
