"""What the programs of UPS take.

WorldShip: <https://www.ups.com/worldshiphelp/WSA/ENU/AppHelp/mergedProjects/CORE/CONNECT/Address_Data_Field_Descriptions.htm>
gives the lengths of the address: names and address lines 35, city and state 30, postal code 9 ("No hyphen; 0-9; Canada
A-Z"), country 50, telephone 15, tax number 15, e-mail 50, customer ID 30 (unique), state codes for the USA and Canada,
and asks for "a Western character set", which is Windows-1252. The length of the description of goods is that of
World_Ease_Shipment_Data_Field_Descriptions.htm beside it. The person maps our columns to WorldShip's fields once; so
there is a header. Cells stand in quotation marks: without them a postal code may be taken for a number, and lose zeros.

CampusShip: <https://www.ups.com/sa/en/campusship-support/batch-file-shipping.page>. At most 250 shipments a file, no
header, ".csv" with commas, "the import file must include the delimiter, even for optional fields", and "#" in front of
the first field is an error. Names, lines and lengths to the telephone are that page's; its stored text ends there. The
order and lengths of what follows are those that programs in public repositories have taken from it; they agree to
"E-mail Failure Address", where our row ends, and differ in what later editions of the page add for access points.

A cell like a formula is refused for both: an apostrophe in front of it would be printed on the label.
"""

from portal.kits.rules.carriers.changes import compact, state_code
from portal.kits.rules.carriers.profile import Column, Kind, Profile

WORLDSHIP = Profile(
    name="ups-worldship",
    label="UPS WorldShip",
    carrier="UPS",
    quoted=True,
    columns=(
        Column("Customer ID", "reference", 30, required=True),
        Column("Company or Name", "company or recipient", 35, required=True),
        Column("Attention", "recipient", 35, required=True),
        Column("Address 1", "street line 1", 35, required=True),
        Column("Address 2", "street line 2", 35),
        Column("Address 3", "street line 3", 35),
        Column("City or Town", "city", 30),
        Column("State/Province/County", "region", 30, change=state_code, told="by its code"),
        Column("Postal Code", "as given: postal_code", 9, change=compact, told="without hyphen and space"),
        Column("Country/Territory", "as given: country", 50, required=True),
        Column("Telephone", "phone digits", 15, required=True, kind=Kind.DIGITS),
        Column("Email Address", "e-mail", 50),
        Column("Tax ID Number", "as given: tax_id", 15),
        Column("Weight", "weight", required=True),
        Column("Description of Goods", "goods", 50, required=True),
        Column("Reference Number 1", "reference", required=True),
    ),
    note=(
        "In WorldShip, choose Import-Export Data and map each column to the field of its name once. Weights are in the "
        "unit that you choose here: take the one of the country you ship from. UPS publishes no length for the weight. "
        "Service, billing and packaging are chosen in WorldShip."
    ),
)

# Where CampusShip wants nothing from us, or we know nothing. The places count: there is no header.
_BEFORE_REFERENCES = (
    "Delivery Confirmation", "Shipper Release", "Return of Document", "Deliver on Saturday", "UPS carbon neutral",
    "Large Package", "Additional Handling",
)  # fmt: skip
_NOTICES = tuple(
    f"E-mail Notification {number} - {what}"
    for number in range(1, 6)
    for what in ("Address", "Ship", "Exception", "Delivery")
)
_AFTER_REFERENCES = ("Reference 2", "Reference 3", *_NOTICES, "E-mail Message", "E-mail Failure Address")

CAMPUSSHIP = Profile(
    name="ups-campusship",
    label="UPS CampusShip",
    carrier="UPS",
    header=False,
    most_rows=250,
    columns=(
        Column("Contact Name", "recipient", 35, required=True, not_first="#"),
        Column("Company or Name", "company or recipient", 35, required=True),
        Column("Country", "as given: country", 2, required=True),
        Column("Address 1", "street line 1", 35, required=True),
        Column("Address 2", "street line 2", 35),
        Column("Address 3", "street line 3", 35),
        Column("City", "city", 30, required=True),
        Column("State/Province/Other", "region", 30, change=state_code, told="by its code"),
        Column("Postal Code", "as given: postal_code", 10),
        Column("Telephone", "phone digits", 15, required=True, kind=Kind.DIGITS),
        Column("Extension"),
        Column("Residential Indicator"),
        Column("E-mail Address", "e-mail", 50),
        Column("Packaging Type", "own packaging", 2, required=True),
        Column("Customs Value", "value in US dollars", 15),
        Column("Weight", "weight", 5, required=True),
        Column("Length"),
        Column("Width"),
        Column("Height"),
        Column("Unit of Measure"),
        Column("Description of Goods", "goods", 35, required=True),
        Column("Documents of No Commercial Value"),
        Column("GNIFC"),
        Column("Declared Value"),
        Column("Service", "service", 2, required=True),
        *(Column(name) for name in _BEFORE_REFERENCES),
        Column("Reference 1", "reference", 35, required=True),
        *(Column(name) for name in _AFTER_REFERENCES),
    ),
    services={
        "07": "Worldwide Express", "08": "Worldwide Expedited", "11": "Standard", "54": "Worldwide Express Plus",
        "65": "Worldwide Saver",
    },
    note=(
        "CampusShip takes weights in the unit of the country you ship from; only Canada may choose, so the unit is "
        "left empty. It takes a customs value for US dollars: it is left empty where the kit's value is in another "
        "currency. UPS publishes no character set for these files: this one is Windows-1252, as for WorldShip. "
        "Measures of the box are optional and not kept here."
    ),
)  # fmt: skip
