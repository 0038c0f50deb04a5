"""What is typed about kits, and what is wrong with it."""

from portal.kits.forms.addresses import AddressForm, RevealForm
from portal.kits.forms.base import Kind, told_apart
from portal.kits.forms.shipments import AssignForm, CountForm, ScanForm, StepForm, WordForm
from portal.kits.forms.stock import ModelForm, UnitMoveForm, UnitsForm

__all__ = [
    "AddressForm",
    "AssignForm",
    "CountForm",
    "Kind",
    "ModelForm",
    "RevealForm",
    "ScanForm",
    "StepForm",
    "UnitMoveForm",
    "UnitsForm",
    "WordForm",
    "told_apart",
]
