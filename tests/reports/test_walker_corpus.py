"""The walker over what gpg, openpgp.js and Sequoia really write."""

import json
from collections.abc import Iterator

import pytest

from portal.reports import refusals
from portal.reports.walker import Walker
from tests.reports.corpus import NODE, PLAIN, Corpus, corpus
from tests.reports.plainly import judge

LIMIT = 1 << 30


@pytest.fixture(scope="module")
def made() -> Iterator[Corpus]:
    with corpus() as files:
        yield files


def expected(name: str) -> str | None:
    """The code with which a file's name begins, None for what is taken."""
    codes = [kind.code for kind in refusals.NotAcceptable.__subclasses__() if name.startswith(f"{kind.code}-")]
    assert codes or name.startswith("taken-"), name
    return max(codes, key=len, default=None)


def walked(data: bytes, corpus: Corpus, *, length: int | None = None) -> Walker:
    walker = Walker((corpus.wanted,), limit=LIMIT, length=length)
    walker.feed(data)
    walker.finish()
    return walker


def test_what_they_write_is_taken_or_refused_as_its_name_says(made: Corpus) -> None:
    if NODE is None:
        pytest.skip("there is no Node for openpgp.js")
    assert len(made.files) > 40
    verdicts = {}
    for name, data in made.files.items():
        plain = judge(data, (made.wanted,), LIMIT)
        verdicts[name] = plain.code
        if plain.code is None:
            assert walked(data, made, length=len(data)).recipients == list(plain.key_ids)
        else:
            with pytest.raises(refusals.NotAcceptable) as caught:
                walked(data, made)
            assert caught.value.code == plain.code

    assert verdicts == {name: expected(name) for name in made.files}


def test_gpg_opens_what_is_taken(made: Corpus) -> None:
    for name in ("taken-gpg-CAMELLIA256", "taken-js-short", "taken-js-flowing-1000", "taken-sequoia-100000"):
        assert made.gpg.open(made.files[name])
    assert made.gpg.open(made.files["taken-sequoia-100000"]) == PLAIN


@pytest.mark.parametrize("name", ["taken-gpg-200", "taken-gpg-490", "taken-js-short", "taken-sequoia-200"])
def test_a_real_message_is_taken_up_from_json_after_every_octet(made: Corpus, name: str) -> None:
    data = made.files.get(name) or made.files["taken-gpg-three-recipients"]
    state: dict[str, object] | None = None
    for place in range(len(data)):
        walker = Walker.resume(state, (made.wanted,), limit=LIMIT, length=len(data))
        walker.feed(data[place : place + 1])
        state = json.loads(json.dumps(walker.state()))
        assert len(json.dumps(state)) < 1000

    whole = walked(data, made)
    assert state == whole.state()
    Walker.resume(state, (), limit=LIMIT).finish()


def test_a_real_message_cut_at_any_octet_is_told_to_be_cut(made: Corpus) -> None:
    data = made.files["taken-gpg-three-recipients"]
    for place in range(1, len(data)):
        for length in (None, place):
            with pytest.raises(refusals.Truncated):
                walked(data[:place], made, length=length)
