"""A file for every other program: all that is known, in UTF-8, as it was given.

The street is one cell with the participant's own lines; local script and Latin letters have columns of their own. It is
likely to be opened in a spreadsheet, and no label is printed from it unseen: so a cell like a formula is guarded by an
apostrophe, as in the portal's other CSV files, instead of refused. `files.read_back` takes it away again.
The telephone number is in two columns of digits, because "+" begins a formula.
"""

from portal.kits.rules.carriers.profile import Column, Formulas, Kind, Profile

_GIVEN = ("recipient", "company", "street", "city", "region", "postal_code", "country", "tax_id")
_LATIN = ("latin_recipient", "latin_company", "latin_street", "latin_city", "latin_region")


def _given(name: str) -> Column:
    return Column(name, f"as given: {name}", kind=Kind.LINES)


GENERIC = Profile(
    name="generic",
    label="Generic CSV",
    carrier="",
    encoding="utf-8",
    formulas=Formulas.GUARDED,
    columns=(
        Column("reference", "reference", required=True),
        *(_given(name) for name in _GIVEN),
        *(_given(name) for name in _LATIN),
        Column("country_name", "country name"),
        Column("phone_country_code", "calling code"),
        Column("phone_number", "national number"),
        Column("email", "e-mail"),
        Column("contents", "goods", kind=Kind.LINES),
        Column("serials", "serials"),
        Column("weight_g", "weight in grams"),
        Column("value", "value"),
        Column("currency", "currency"),
        Column("hs_codes", "tariff numbers", kind=Kind.LINES),
        Column("origins", "origins", kind=Kind.LINES),
    ),
    note=(
        "All that is known, as it was given, in UTF-8. A cell that a spreadsheet would run as a formula has an "
        "apostrophe in front of it. The currency is empty where a parcel has units of several."
    ),
)
