"""What DHL's MyDHL+ takes: contacts for its address book, from which shipments are made.

<https://mydhl.express.dhl/mu/en/address-book-import/upload-map-file-guidelines.html> ("Upload and Map"): fields in any
order; name 35, company 88 and required ("if no Company name, enter the contact's first and last name again"), nickname
135 (letters and digits), e-mail 45 and required, phone type M, H or O, the country code of the phone in a column of its
own (6 digits) and the number (70), both "numbers only" and without a leading zero, VAT/Tax ID 35. The quick tips beside
it ask for a comma, quotation marks, a header and the character set, of which UTF-8 is one.

What the stored text of that page no longer shows are the lengths of the address; those here are of DHL's MyDHL API,
which takes the same shipments: lines, city and country 45, postal code 12, province 35.

The kind of phone is not asked of participants: it is O (office) where a company is given, else H (home). A cell like a
formula is refused: an apostrophe in front of it would be printed on the label.
"""

from portal.kits.rules.carriers.changes import state_code, without_zeros
from portal.kits.rules.carriers.profile import Column, Kind, Profile

MYDHL = Profile(
    name="dhl-mydhl",
    label="DHL MyDHL+",
    carrier="DHL",
    encoding="utf-8",
    quoted=True,
    columns=(
        Column("Name", "recipient", 35, required=True),
        Column("Company", "company or recipient", 88, required=True),
        Column("Nickname", "plain reference", 135, required=True, kind=Kind.ALPHANUMERIC),
        Column("Email Address 1", "e-mail", 45, required=True),
        Column("Phone Type", "phone kind", 1, required=True),
        Column("Phone Number Country Code", "calling code", 6, required=True, kind=Kind.DIGITS),
        Column(
            "Phone Number", "national number", 70, required=True, kind=Kind.DIGITS, change=without_zeros,
            told="without its first zero",
        ),
        Column("VAT/Tax ID", "as given: tax_id", 35),
        Column("Address 1", "street line 1", 45, required=True),
        Column("Address 2", "street line 2", 45),
        Column("Address 3", "street line 3", 45),
        Column("City", "city", 45),
        Column("State/Province", "region", 35, change=state_code, told="by its code"),
        Column("Postal Code", "as given: postal_code", 12),
        Column("Country", "as given: country", 2, required=True),
    ),
    note=(
        "In MyDHL+, choose Upload and Map in the address book, with header, comma, quotation marks and UTF-8. Each "
        "contact's nickname is our reference without the hyphen; write the reference into the shipment, so that the "
        "tracking numbers find their parcels. DHL requires an e-mail address: it is the one of the participant's "
        "account. DHL labels are in Latin letters; the file has the Latin form where the participant gave one. Weight "
        "and contents are entered in MyDHL+. The lengths of address, city and postal code are those of DHL's API."
    ),
)  # fmt: skip
