"""What carriers say of the files that their programs take, written down a second time: from their pages, not from our
tables, so that a slip in one is seen by the other."""

import csv
import io
from collections.abc import Sequence

# https://www.ups.com/worldshiphelp/WSA/ENU/AppHelp/mergedProjects/CORE/CONNECT/Address_Data_Field_Descriptions.htm
WORLDSHIP = {
    "Customer ID": 30, "Company or Name": 35, "Attention": 35, "Address 1": 35, "Address 2": 35, "Address 3": 35,
    "City or Town": 30, "State/Province/County": 30, "Postal Code": 9, "Country/Territory": 50, "Telephone": 15,
    "Email Address": 50, "Tax ID Number": 15, "Description of Goods": 50,
}  # fmt: skip
# https://www.ups.com/sa/en/campusship-support/batch-file-shipping.page, by place.
CAMPUSSHIP = (35, 35, 2, 35, 35, 35, 30, 30, 10, 15)
# https://mydhl.express.dhl/mu/en/address-book-import/upload-map-file-guidelines.html
MYDHL = {
    "Name": 35, "Company": 88, "Nickname": 135, "Email Address 1": 45, "Phone Type": 1, "Phone Number Country Code": 6,
    "Phone Number": 70, "VAT/Tax ID": 35, "Address 1": 45, "Address 2": 45, "Address 3": 45, "City": 45,
    "Postal Code": 12, "State/Province": 35, "Country": 2,
}  # fmt: skip
RUN = ("=", "+", "-", "@", "\t", "\r")


def _rows(content: bytes, encoding: str) -> list[list[str]]:
    text = content.decode(encoding)
    assert text.count("\n") == text.count("\r\n"), "lines end with CR LF, and no cell has a line end"
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len({len(row) for row in rows}) == 1, "every row has every delimiter"
    for row in rows:
        for cell in row:
            assert not cell.startswith(RUN), cell
            assert cell.isprintable(), cell
    return rows


def _named(content: bytes, encoding: str, lengths: dict[str, int]) -> list[dict[str, str]]:
    header, *rows = _rows(content, encoding)
    assert set(lengths) <= set(header)
    told = [dict(zip(header, row, strict=True)) for row in rows]
    for row in told:
        for name, most in lengths.items():
            assert len(row[name]) <= most, (name, row[name])
    return told


def check_worldship(content: bytes) -> list[dict[str, str]]:
    """The rows of a file that WorldShip takes."""
    for row in (rows := _named(content, "cp1252", WORLDSHIP)):
        assert row["Company or Name"]
        assert row["Address 1"]
        assert row["Postal Code"].isalnum() or not row["Postal Code"]
        assert row["Country/Territory"].isalpha()
        if row["Country/Territory"] in ("US", "CA"):
            assert len(row["State/Province/County"]) == 2
    assert len({row["Customer ID"] for row in rows}) == len(rows), "it must be unique"
    return rows


def check_campusship(content: bytes) -> list[Sequence[str]]:
    """The rows of a file that CampusShip takes."""
    rows = _rows(content, "cp1252")
    assert len(rows) <= 250
    for row in rows:
        assert all(len(cell) <= most for cell, most in zip(row, CAMPUSSHIP, strict=False))
        contact, company, country, address, *_ = row
        assert contact
        assert not contact.startswith("#")
        assert company
        assert country.isalpha()
        assert country.isupper()
        assert address
        assert row[6], "the city is required"
        if country in ("US", "CA"):
            assert len(row[7]) == 2
        assert row[9], "an international shipment has a telephone number"
        assert row[13] == "2"
        assert 0 < float(row[15]) < 1000
        assert 0 < len(row[20]) <= 35
        assert row[24] in ("07", "08", "11", "54", "65")
        assert 0 < len(row[32]) <= 35
    return [*rows]


def check_mydhl(content: bytes) -> list[dict[str, str]]:
    """The rows of a file that MyDHL+ takes."""
    for row in (rows := _named(content, "utf-8", MYDHL)):
        assert all(row[name] for name in ("Name", "Company", "Email Address 1"))
        assert row["Nickname"].isalnum()
        assert row["Phone Type"] in ("M", "H", "O")
        assert row["Phone Number Country Code"].isdigit()
        assert row["Phone Number"].isdigit()
        assert not row["Phone Number"].startswith("0")
    return rows
