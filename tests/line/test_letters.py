"""Mails from strangers: made out within bounds, or not at all."""

from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.line.letters import Letter, Unreadable
from portal.line.plain import MOST_HTML, decoded, from_html, one_line, tidy
from tests.line.conftest import letter

HOST = "portal.example.org"


def raw(*headers: str, body: str | bytes = "Hello.") -> Letter:
    content = body if isinstance(body, bytes) else body.encode()
    return Letter("\n".join(headers).encode() + b"\n\n" + content)


@pytest.mark.parametrize(
    ("field", "sender"),
    [
        ("From: Rosa <Rosa@Example.org>", "rosa@example.org"), ("From: rosa@example.org", "rosa@example.org"),
        ("From: rosa@example.org, eve@example.org", ""), ("From: rosa@example.org\nFrom: eve@example.org", ""),
        ("From: ", ""), ("X: y", ""), ("From: Rosa", ""),
        # The name says another address than the address.
        ('From: "rosa@example.org" <eve@example.org>', "eve@example.org"),
        ("From: =?utf-8?q?rosa=40example=2Eorg?= <eve@example.org>", "eve@example.org"),
        ("From: =?utf-8?q?<rosa=40example=2Eorg>?= <eve@example.org>", "eve@example.org"),
        ("From: eve@example.org <rosa@example.org>", ""), ("From: rosa@example.org>eve@example.org", ""),
        ("From: <rosa@example.org\0>", ""), ("From: rosa@example.org\n\t,\n eve@example.org", ""),
        ("From: group: rosa@example.org, eve@example.org;", ""),
        ("From: " + "<" * 5000 + "rosa@example.org", ""),
    ],
)  # fmt: skip
def test_the_sender_is_one_address_or_none(field: str, sender: str) -> None:
    assert raw(field).sender == sender


@pytest.mark.parametrize(
    "header",
    ["Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated; x=y", "Precedence: bulk", "Precedence: JUNK",
     "Precedence: list", "Precedence: auto_reply", "X-Auto-Response-Suppress: All", "List-Id: <l.example.org>",
     "Return-Path: <>", "X-Loop: line@portal.example.org", "X-Autoreply: yes", "X-Autorespond: x",
     "From: MAILER-DAEMON@example.org", f"Message-ID: <{'a' * 32}@{HOST}>", f"Message-ID: <line.{'b' * 24}@{HOST}>",
     "Subject: Out of office: Direct line", "Subject: Automatic reply: x",
     "Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A_x?=", "Subject: Automatische Antwort: x",
     "Subject: Abwesenheitsnotiz"],
)  # fmt: skip
def test_machines_are_not_listened_to(header: str) -> None:
    assert raw(header).automatic(HOST)


@pytest.mark.parametrize(
    "header",
    ["Auto-Submitted: no", "Auto-Submitted: No", "Precedence: first-class", "Return-Path: <rosa@example.org>",
     f"Message-ID: <CAB{'a' * 32}@{HOST}>", "Subject: Out of office hours, a question",
     "Subject: Automation of the boot"],
)  # fmt: skip
def test_people_are(header: str) -> None:
    assert not raw("From: rosa@example.org", header).automatic(HOST)


def test_the_text_is_the_plain_part() -> None:
    made = letter("line@example.org", "Plain.")
    made.add_alternative("<p>Rich.</p>", subtype="html")

    assert Letter(made.as_bytes()).body().text == "Plain."


def test_html_alone_becomes_text() -> None:
    made = EmailMessage()
    made.set_content(
        "<html><head><title>T</title><style>p{}</style></head><body><p>One &amp; two</p><ul><li>a<li>b</ul>"
        '<script>alert(1)</script><a href="https://example.org/x">here</a><br>end<blockquote>old<div>older</div></blockquote>'
        "<pre>a\n  b</pre></body></html>",
        subtype="html",
    )

    assert Letter(made.as_bytes()).body().text == (
        "One & two\n\n- a\n- b\n\nhere (https://example.org/x)\nend\n> old\n> older\n\na\n  b"
    )


def test_attachments_are_counted_and_pictures_of_the_text_are_not() -> None:
    made = letter("line@example.org", "See.")
    made.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="poc.exe")
    made.add_attachment("log", filename="log.txt")
    made.add_attachment(letter("x@example.org"))
    made.add_attachment(b"GIF", maintype="image", subtype="gif", disposition="inline", cid="<logo>")
    made.add_attachment(b"sig", maintype="application", subtype="pgp-signature", filename="signature.asc")

    body = Letter(made.as_bytes()).body()

    assert (body.text, body.attachments, body.encrypted) == ("See.", 3, False)


ENCRYPTED = {
    "PGP/MIME": b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n'
    b"--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\n"
    b"-----BEGIN PGP MESSAGE-----\n--b--\n",
    "inline": b"Content-Type: text/plain\n\nHi\n-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n",
    "S/MIME": b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n"
    b"Content-Transfer-Encoding: base64\n\nAAAA\n",
    "in a part": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHi\n"
    b"--b\nContent-Type: application/x-pkcs7-mime\n\nA\n--b--\n",
}


@pytest.mark.parametrize("name", ENCRYPTED)
def test_what_is_encrypted_is_noticed(name: str) -> None:
    assert Letter(ENCRYPTED[name]).body().encrypted


def test_what_is_signed_in_clear_is_read() -> None:
    signed = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello.\n-----BEGIN PGP SIGNATURE-----\n\nabc\n"
        "-----END PGP SIGNATURE-----\n"
    )

    assert raw("Content-Type: text/plain", body=signed).body().text == "Hello."


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("utf-8", "Grüße".encode(), "Grüße"), ("iso-8859-1", "Grüße".encode("latin-1"), "Grüße"),
        ("windows-1251", "Привет".encode("cp1251"), "Привет"), ("iso-2022-jp", "今日は".encode("iso2022_jp"), "今日は"),
        ("gb18030", "你好".encode("gb18030"), "你好"), ("utf-16", "hi".encode("utf-16"), "hi"),
        (None, "Grüße".encode(), "Grüße"), (None, "Grüße".encode("latin-1"), "Grüße"),
        ("utf-8", "Grüße".encode("cp1252"), "Grüße"), ("no-such-charset", "Grüße".encode(), "Grüße"),
        # What is no charset of people's mails is not even tried.
        ("utf-7", b"+ADw-script+AD4-", "+ADw-script+AD4-"), ("rot13", b"Uryyb", "Uryyb"), ("idna", b"xn--x", "xn--x"),
        ("unicode_escape", rb"\x41", r"\x41"), ("punycode", b"abc-", "abc-"), ("zip", b"abc", "abc"), ("\0", b"a", "a"),
        ("undefined", b"a", "a"), ("x" * 5000, b"a", "a"),
    ],
)  # fmt: skip
def test_charsets(charset: str | None, octets: bytes, text: str) -> None:
    assert decoded(octets, charset) == text


def test_nobody_sees_what_is_not_to_be_seen() -> None:
    assert (
        tidy("a\0b\x1b[31mc\r\nd\u202egpj.exe\u2066e\ud800f\x07 \t\n\n\n\n\ng\u2028h") == "ab[31mc\ndgpj.exeef\n\ng\nh"
    )
    assert one_line(" a\r\nBcc: eve@example.org\u2029 b ", 120) == "a Bcc: eve@example.org b"


def test_a_subject_is_one_line_in_words() -> None:
    assert raw("Subject: =?utf-8?q?a=0D=0ABcc=3A_eve=40example=2Eorg?=").subject == "a Bcc: eve@example.org"
    assert raw("Subject: =?utf-8?b?4oCuZXZpbA==?= tail").subject == "evil tail"
    assert raw("Subject: =?no-such?q?abc?=").subject == "abc"
    assert raw("Subject: =?utf-8?b?x?= broken").subject.endswith("broken")
    assert len(raw("Subject: " + "x" * 5000).subject) == 120


@pytest.mark.parametrize(
    "identity", ["<>", "<a b@c>", "<a@b", "a@b", "<a@b><c@d>", "<" + "a" * 300 + "@b>", "<a@b\0>", "<é@b>"]
)
def test_an_odd_message_id_is_none(identity: str) -> None:
    assert raw(f"Message-ID: {identity}").message_id is None


def test_the_same_mail_has_the_same_digest_and_another_persons_has_not() -> None:
    first = raw("From: a@example.org", "Message-ID: <1@x>")

    assert first.digest == raw("From: a@example.org", "Message-ID: <1@x>", "Received: again").digest
    assert first.digest != raw("From: b@example.org", "Message-ID: <1@x>").digest
    assert raw("From: a@example.org").digest != raw("From: a@example.org", body="Other.").digest


def nested(depth: int) -> bytes:
    begun = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return (begun + "\ndeep").encode()


@pytest.mark.parametrize("octets", [nested(150), nested(3000), nested(20_000)])
def test_the_deepest_mail_is_answered_by_unreadable_or_text(octets: bytes) -> None:
    try:
        text = Letter(octets).body().text
    except Unreadable:
        return
    assert text == "deep"


def test_a_thousand_parts_are_too_many() -> None:
    parts = b"".join(b"--b\n\nx\n" for _ in range(1000))

    with pytest.raises(Unreadable):
        Letter(b"Content-Type: multipart/mixed; boundary=b\n\n" + parts + b"--b--\n").body()


def test_html_is_looked_at_within_bounds() -> None:
    assert len(from_html("<p>" + "x" * (2 * MOST_HTML))) <= MOST_HTML
    assert from_html("<div>" * 13_000 + "deep") == "deep"
    assert set(from_html("<blockquote>" * 5_000 + "deep").strip()) <= set("> \ndep")
    assert from_html("<!--" * 50_000) == ""
    assert from_html("<head><style>" + "x" * MOST_HTML + "</style></head><p>Read.") == "Read.\n"
    assert from_html("<a href='javascript:alert(1)'>x</a>") == "x"


PIECES = st.sampled_from(
    ["From: ", "rosa@example.org", "Content-Type: ", "multipart/mixed; boundary=b\n", "text/html; charset=", "utf-7",
     "message/rfc822\n", "--b\n", "--b--\n", "\n", "\n\n", "Content-Transfer-Encoding: base64\n", "=?utf-8?q?", "?=",
     "Subject: ", "\0", "\r", "é", "<div>", "&#0;", "AAAA", "Content-Disposition: attachment; filename*0*=x''%ff\n",
     "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n",
     "multipart/report; report-type=delivery-status; boundary=b\n"]
)  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200), st.binary(max_size=60))
def test_whatever_comes_is_made_out_or_unreadable(head: str, tail: bytes) -> None:
    octets = head.encode("utf-8", "surrogatepass") + tail
    try:
        found = Letter(octets)
        parts = (found.sender, found.envelope, found.recipients, found.message_id, found.subject, found.digest)
        body = found.body()
        machine = found.automatic(HOST)
    except Unreadable:
        return
    assert len(parts[5]) == 64
    assert machine in (True, False)
    assert not set(body.text) & set("\0\r\x1b\u202e\ud800")
    assert "\n" not in found.subject
