"""Canonical forms, fingerprints, evidence."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.applications.rules.duplicates import (
    MOST,
    Common,
    Found,
    Told,
    clusters,
    evidence,
    handle_key,
    link_key,
    phone_key,
)
from portal.applications.rules.likeness import shingles
from portal.applications.rules.openpgp import primary_fingerprint
from portal.applications.states import Evidence
from portal.reports.certificates import armor

# RFC 9580, appendix A.3: the sample version 6 certificate, whose fingerprint begins with CB186C4F.
VERSION_6 = """-----BEGIN PGP PUBLIC KEY BLOCK-----

xioGY4d/4xsAAAAg+U2nu0jWCmHlZ3BqZYfQMxmZu52JGggkLq2EVD34laPCsQYf
GwoAAABCBYJjh3/jAwsJBwUVCg4IDAIWAAKbAwIeCSIhBssYbE8GCaaX5NUt+mxy
KwwfHifBilZwj2Ul7Ce62azJBScJAgcCAAAAAK0oIBA+LX0ifsDm185Ecds2v8lw
gyU2kCcUmKfvBXbAf6rhRYWzuQOwEn7E/aLwIwRaLsdry0+VcallHhSu4RN6HWaE
QsiPlR4zxP/TP7mhfVEe7XWPxtnMUMtf15OyA51YBM4qBmOHf+MZAAAAIIaTJINn
+eUBXbki+PSAld2nhJh/LVmFsS+60WyvXkQ1wpsGGBsKAAAALAWCY4d/4wKbDCIh
BssYbE8GCaaX5NUt+mxyKwwfHifBilZwj2Ul7Ce62azJAAAAAAQBIKbpGG2dWTX8
j+VjFM21J0hqWlEg+bdiojWnKfA5AQpWUWtnNwDEM0g12vYxoWM8Y81W+bHBw805
I8kWVkXU6vFOi+HWvv/ira7ofJu16NnoUkhclkUrk0mXubZvyl4GBg==
-----END PGP PUBLIC KEY BLOCK-----"""


@pytest.mark.parametrize(
    ("one", "other"),
    [("@Ada_L", "ada-l"), ("ＡＤＡ", "ada"), ("a.d.a", "Ada"), ("Άδα", "άΔα"), ("漢字名", "漢字名")],
)
def test_handles_are_the_same_in_every_spelling(one: str, other: str) -> None:
    assert handle_key(one) == handle_key(other) != ""


@pytest.mark.parametrize("handle", ["", "-", "x1", "N/A", "none", "Admin", "@Anonymous", "…"])
def test_handles_that_name_nobody_are_none(handle: str) -> None:
    assert handle_key(handle) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://GitHub.com/Ada/", "http://www.github.com/ada"),
        ("https://github.com/ada?utm_source=x#top", "https://github.com:443/ada"),
        ("https://ada.example", "https://www.ada.example/"),
        ("https://a.example/x?b=2&a=1", "https://a.example//x?a=1&b=2"),
    ],
)
def test_links_are_the_same_in_every_spelling(one: str, other: str) -> None:
    assert link_key(one) == link_key(other) != ""


@pytest.mark.parametrize("link", ["https://github.com", "http://www.LinkedIn.com/", "https://[::1", "https://a:b/", ""])
def test_links_that_lead_to_nobody_are_none(link: str) -> None:
    assert link_key(link) == ""


def test_other_pages_stay_other_pages() -> None:
    assert len({link_key(f"https://github.com/{name}") for name in ("ada", "bob", "ada/x", "ada?tab=stars")}) == 4


@pytest.mark.parametrize("text", ["+49 170 1234567", "0170/123 45 67", "(0170) 123-4567", "0049.170.1234567"])
def test_a_telephone_number_is_the_same_with_and_without_its_country(text: str) -> None:
    assert phone_key(text) == "701234567"


@pytest.mark.parametrize("text", ["", "12345678", "call me at 0170 1234567", "000000000", "1 2", "2020-06-15 12:00:00"])
def test_what_is_no_telephone_number_is_none(text: str) -> None:
    assert phone_key(text) == ""


@given(st.text())
def test_canonical_forms_take_any_text_and_are_stable(text: str) -> None:
    assert handle_key(handle_key(text)) == handle_key(text)
    assert link_key(text) == link_key(text + " ")
    assert phone_key(text) == phone_key(f" {text}")


def test_the_fingerprint_of_a_version_6_key() -> None:
    told = primary_fingerprint(VERSION_6)
    assert told == "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9"
    assert (
        primary_fingerprint(
            VERSION_6.replace("\n", "\r\n").replace("BLOCK-----\r\n", "BLOCK-----\r\nComment: x\r\n", 1)
        )
        == told
    )


@pytest.mark.skipif(not shutil.which("gpg"), reason="asks gpg")
def test_the_fingerprint_is_gpgs(tmp_path: Path) -> None:
    gpg = ["gpg", "--homedir", str(tmp_path), "--batch", "--quiet"]
    tmp_path.chmod(0o700)
    subprocess.run([*gpg, "--passphrase", "", "--quick-gen-key", "Ada <ada@example.org>", "ed25519"], check=True)
    listed = subprocess.run([*gpg, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True).stdout
    exported = subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True, text=True).stdout
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
    assert primary_fingerprint(exported) == fingerprint
    subprocess.run(["gpgconf", "--homedir", str(tmp_path), "--kill", "all"], check=False)


@given(st.binary(max_size=120))
def test_whatever_is_armored_has_a_fingerprint_or_none(data: bytes) -> None:
    told = primary_fingerprint(armor(data))
    assert told is None or len(told) in (40, 64)
    old_key = bytes([0x99]) + (len(data) + 6).to_bytes(2, "big") + b"\x04" + bytes(5) + data
    new_key = bytes([0xC6, 0xFF]) + (len(data) + 6).to_bytes(4, "big") + b"\x04" + bytes(5) + data
    assert primary_fingerprint(armor(old_key)) == primary_fingerprint(armor(new_key)) is not None
    assert primary_fingerprint(armor(old_key[:-1])) is None


@given(st.text(max_size=300))
def test_garbage_has_no_fingerprint(text: str) -> None:
    assert primary_fingerprint(text) is None
    assert primary_fingerprint(f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{text}") is None or text


@pytest.mark.parametrize("data", [b"", b"\xc6", b"\xc6\xff", b"\xc6\xe1\x04", b"\x9b\x04", b"\x99\x00\x02\x04\x00"])
def test_half_packets_have_no_fingerprint(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    assert (
        primary_fingerprint(f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{text}\n-----END PGP PUBLIC KEY BLOCK-----")
        is None
    )


def test_each_kind_of_evidence_is_found_once_a_pair() -> None:
    text = " ".join(f"w{number}" for number in range(60))
    told = [
        Told(1, "Ada", ("ada@example.org",), ("https://a.example/ada",), VERSION_6, ("+49 170 1234567",),
             shingles(text)),
        Told(2, "@ada", ("x@example.org", "Ada+2@example.org"), ("http://www.a.example/ada/",), VERSION_6,
             ("0170 1234567", "none"), shingles(text)),
        Told(3, "bob", ("bob@example.org",)),
    ]  # fmt: skip
    found, common = evidence(told)
    assert {(each.low, each.high, each.kind) for each in found} == {(1, 2, kind) for kind in Evidence}
    assert Found(1, 2, Evidence.EMAIL, "ada@example.org") in found
    assert Found(1, 2, Evidence.ESSAY, "100 % of both texts", 1.0) in found
    assert common == []
    assert clusters((each.low, each.high) for each in found) == {1: 1, 2: 1}


def test_what_many_tell_makes_no_cluster_and_is_told() -> None:
    most = MOST[Evidence.HANDLE]
    told = [Told(number, handle="same-name") for number in range(most + 1)]
    assert evidence(told) == ([], [Common(Evidence.HANDLE, "samename", most + 1)])
    assert len(evidence(told[:-1])[0]) == most * (most - 1) // 2
