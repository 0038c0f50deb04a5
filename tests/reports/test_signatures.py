"""Who signed a statement: real gpg, and signatures put together by hand."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from portal.core import clock
from portal.reports.signatures import NotSigned, cleartext, detached
from tests.cast import NOON
from tests.reports.openpgp import Gpg, certificate, fingerprint_of, gpg_home, sign

TEXT = "key set 2\nrecovery 11\ntriager 22\n"
CERT = certificate(seed=3)
BEFORE = NOON - timedelta(days=1)
RECOVERY, OTHER = "Recovery <recovery@example.org>", "Other <other@example.org>"


def refusal(signature: str, *, text: str = TEXT, cert: str = CERT, at: datetime = NOON) -> str:
    """Why a signature does not count."""
    with pytest.raises(NotSigned) as caught:
        detached(text, signature, [cert], after=BEFORE, at=at)
    return caught.value.reason


def test_a_signature_names_its_key_and_its_time() -> None:
    found = detached(TEXT, sign(TEXT, seed=3, at=NOON), [certificate(seed=1), CERT], after=BEFORE, at=NOON)

    assert found == (fingerprint_of(3).hex().upper(), NOON, TEXT)


def test_what_is_no_signature_is_told() -> None:
    assert refusal(" ") == "There is no signature yet. Sign the statement, and paste what gpg wrote into the .asc file."
    assert refusal("abc").startswith("This is not an armored signature.")
    assert refusal(CERT).startswith("This is not an armored signature.")
    assert refusal("-----BEGIN PGP SIGNED MESSAGE-----\n\nx").startswith("This is a signed copy of the text.")
    damaged = sign(TEXT, seed=3, at=NOON).replace("\n\n", "\n\nAAAA")
    assert refusal(damaged) == "The signature is damaged. Paste all of it, unchanged."


def test_another_key_is_named_by_its_fingerprint() -> None:
    said = refusal(sign(TEXT, seed=4, at=NOON))

    grouped = [
        " ".join(word[begin : begin + 4] for begin in range(0, 40, 4))
        for word in (fingerprint_of(4).hex().upper(), fingerprint_of(3).hex().upper())
    ]
    assert said == f"It was made by the key {grouped[0]}, not by {grouped[1]}."


@pytest.mark.parametrize(
    ("signed", "said"),
    [
        ("other", "It is a signature over other words. Download the statement anew, and sign that."),
        (TEXT.rstrip(), "It signs the statement without its last line break. Download the file, and sign it as it is."),
        (
            TEXT.replace("\n", "\r\n"),
            "It signs the statement with line ends of Windows. Download the file, and sign it as it is.",
        ),
        (
            TEXT + "\n",
            "It signs the statement with one more line break at its end. Download the file, and sign it as it is.",
        ),
    ],
)
def test_other_words_are_told_from_the_same_words_changed_in_copying(signed: str, said: str) -> None:
    assert refusal(sign(signed, seed=3, at=NOON)) == said


def test_its_time_must_be_after_the_set_before_and_not_in_the_future() -> None:
    early, late = sign(TEXT, seed=3, at=BEFORE - timedelta(hours=1)), sign(TEXT, seed=3, at=NOON + timedelta(hours=1))

    assert refusal(early) == (
        "It was made on 14 June 2020 at 11:00 UTC, before the key set that it follows (14 June 2020 at 12:00 UTC). "
        "Sign again."
    )
    assert refusal(late).startswith("It was made in the future, on 15 June 2020 at 13:00 UTC.")


def test_sha1_does_not_count() -> None:
    said = refusal(sign(TEXT, seed=3, at=NOON, digest="sha1"))

    assert said == "It uses SHA1, which can be forged. Sign again: gpg --digest-algo SHA512 …"


def test_an_expired_key_signs_nothing_until_it_is_extended() -> None:
    old = certificate(seed=3, expires=86400 * 365 * 2)

    assert refusal(sign(TEXT, seed=3, at=NOON), cert=old).endswith(
        "expired on 14 July 2019. Extend it (gpg --quick-set-expire), and paste its certificate anew."
    )


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gpg_home() as home:
        for name in (RECOVERY, OTHER):
            home.make(name)
        yield home


def test_what_gpg_signs_counts(gpg: Gpg) -> None:
    now, cert, who = clock.now(), gpg.certificate(RECOVERY), gpg.fingerprint(RECOVERY)
    plain = gpg.run("--armor", "--detach-sign", "--local-user", who, data=TEXT.encode()).decode()
    other = gpg.run("--armor", "--detach-sign", "--local-user", OTHER, data=TEXT.encode()).decode()

    assert detached(TEXT, plain, [cert], after=BEFORE, at=now).fingerprint == who
    assert detached(TEXT, plain.replace("\n", "\r\n"), [cert], after=BEFORE, at=now).fingerprint == who
    assert refusal(other, cert=cert, at=now).startswith("It was made by the key")
    assert refusal(plain, cert=cert, text=TEXT + "x", at=now).startswith("It is a signature over other words")


def test_a_signed_copy_gives_back_its_words(gpg: Gpg) -> None:
    now, cert, who = clock.now(), gpg.certificate(RECOVERY), gpg.fingerprint(RECOVERY)
    text = "Contact: mailto:a@example.org\n# - a line\n- another\n"
    copy = gpg.run("--clearsign", "--local-user", who, data=text.encode()).decode()

    assert cleartext(copy, [cert], after=None, at=now)[::2] == (who, text)
    assert cleartext(copy.replace("\n", "\r\n"), [cert], after=None, at=now).text == text
    for changed, said in (
        (copy.replace("Contact", "Contract"), "they were changed after signing"),
        ("before\n" + copy, "Paste what gpg --clearsign wrote, and nothing else"),
        (text, "Paste what gpg --clearsign wrote, and nothing else"),
    ):
        with pytest.raises(NotSigned, match=said):
            cleartext(changed, [cert], after=None, at=now)
