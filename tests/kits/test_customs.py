"""What customs ask for, as advice."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.kits import customs, postal
from portal.kits.models import DeliveryAddress
from tests.cast import Cast, sign_in

KIT = "/challenges/test-challenge/kit/address"
SAO_PAULO = {
    "country": "BR", "recipient": "Rosa Researcher", "street": "Av. Paulista, 1374", "city": "São Paulo",
    "region": "SP", "postal_code": "01310-100", "phone": "+55 11 91234 5678",
}  # fmt: skip


@pytest.mark.parametrize(("country", "number"), [
    ("BR", "123.456.789-09"), ("BR", "12.345.678/0001-95"), ("KR", "P123456789012"), ("KR", "p 1234 5678 9012"),
    ("CN", "11010519491231002X"), ("IN", "ABCDE1234F"), ("TR", "12345678901"), ("ID", "3175012345678901"),
    ("CL", "12.345.678-K"), ("MX", "GODE561231GR8"), ("DE", ""), ("DE", "whatever"),
])  # fmt: skip
def test_usual_numbers_raise_no_doubt(country: str, number: str) -> None:
    assert customs.doubt(country, number) is None


@pytest.mark.parametrize(("country", "number", "words"), [
    ("BR", "", "usually ask for it: CPF or CNPJ"), ("KR", "12", "usually has P and 12 digits"),
    ("IN", "１２３", "KYC"),
])  # fmt: skip
def test_others_are_doubted(country: str, number: str, words: str) -> None:
    assert words in str(customs.doubt(country, number))


def test_every_country_of_the_advice_can_be_chosen() -> None:
    assert set(customs.NUMBERS) <= set(dict(postal.countries()))


def test_the_form_asks_for_the_number_and_takes_it_without(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.researcher)
    page = client.get(f"{KIT}?country=BR").text
    assert "Customs number: CPF or CNPJ" in page
    assert "Tax or ID number" in client.get(f"{KIT}?country=DE").text

    first = client.post(KIT, data=SAO_PAULO)
    assert first.status_code == 422
    assert "Customs in this country usually ask for it" in first.text
    assert client.post(KIT, data=SAO_PAULO | {"tax_id": "123.456.789-09"}).status_code == 302
    assert client.post(KIT, data=SAO_PAULO | {"use_anyway": "y"}).status_code == 302
    assert session.query(DeliveryAddress).one().doubtful
