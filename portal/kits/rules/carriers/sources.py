"""Where the text of a column comes from, by name."""

from collections.abc import Callable, Mapping
from decimal import ROUND_UP, Decimal

from portal.kits import postal
from portal.kits.rules.carriers.changes import calling_code, national
from portal.kits.rules.carriers.profile import Consignment, Options

Source = Callable[[Consignment, Options], str]
_GRAMS = {"kg": Decimal(1000), "lb": Decimal("453.59237")}


def _field(name: str) -> Source:
    """A field of the address as the participant gave it."""

    def read(consignment: Consignment, _options: Options) -> str:
        return str(getattr(consignment.address, name))

    return read


def _label(name: str, otherwise: str = "") -> Source:
    """A field in Latin letters where the participant gave it so, else as it is; `otherwise` where it is empty."""

    def read(consignment: Consignment, options: Options) -> str:
        address = consignment.address
        text = str(getattr(address, f"latin_{name}") or getattr(address, name))
        return _label(otherwise)(consignment, options) if otherwise and not text else text

    return read


def weight(consignment: Consignment, options: Options) -> str:
    """The units' weight with one decimal, rounded up: a carrier weighs again, and bills what is more."""
    exact = Decimal(consignment.goods.weight_g) / _GRAMS[options.unit]
    return str(exact.quantize(Decimal("0.1"), ROUND_UP))


def _usd(consignment: Consignment, _options: Options) -> str:
    return f"{consignment.goods.value:.2f}" if consignment.goods.currency == "USD" else ""


def _phone_kind(consignment: Consignment, _options: Options) -> str:
    return "O" if consignment.address.company or consignment.address.latin_company else "H"


SOURCES: Mapping[str, Source] = {
    "": lambda _c, _o: "",
    "reference": lambda c, _o: c.reference,
    "plain reference": lambda c, _o: c.reference.replace("-", ""),
    "e-mail": lambda c, _o: c.email,
    "recipient": _label("recipient"),
    "company": _label("company"),
    "company or recipient": _label("company", "recipient"),
    "street": _label("street"),
    "city": _label("city"),
    "region": _label("region"),
    "country name": lambda c, _o: postal.country_name(c.address.country),
    "phone digits": lambda c, _o: c.address.phone.removeprefix("+"),
    "calling code": lambda c, _o: calling_code(c.address.phone),
    "national number": lambda c, _o: national(c.address.phone),
    "phone kind": _phone_kind,
    "goods": lambda c, _o: c.goods.description,
    "weight": weight,
    "weight in grams": lambda c, _o: str(c.goods.weight_g),
    "unit": lambda _c, o: o.unit,
    "value": lambda c, _o: f"{c.goods.value:.2f}",
    "value in US dollars": _usd,
    "currency": lambda c, _o: c.goods.currency,
    "tariff numbers": lambda c, _o: " ".join(c.goods.hs_codes),
    "origins": lambda c, _o: " ".join(c.goods.origins),
    "serials": lambda c, _o: " ".join(c.goods.serials),
    "service": lambda _c, o: o.service,
    "own packaging": lambda _c, _o: "2",
    **{
        f"as given: {name}": _field(name)
        for name in (
            "country", "recipient", "company", "street", "city", "region", "postal_code", "phone", "tax_id",
            "latin_recipient", "latin_company", "latin_street", "latin_city", "latin_region",
        )
    },
}  # fmt: skip
