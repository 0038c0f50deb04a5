"""What is typed about awards, their rules, and payments."""

from portal.awards.forms.awards import ProposeForm, StepForm, VoidForm, propose_form
from portal.awards.forms.payments import PaymentForm, ResultsForm
from portal.awards.forms.versions import RulesBase, rules_form

__all__ = [
    "PaymentForm",
    "ProposeForm",
    "ResultsForm",
    "RulesBase",
    "StepForm",
    "VoidForm",
    "propose_form",
    "rules_form",
]
