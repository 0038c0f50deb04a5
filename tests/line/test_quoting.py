"""What somebody wrote, and nothing of what their mail program put under it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.line.quoting import own_words

OURS = "portal@portal.example.org"
FROM = f"Research challenge <{OURS}>"

CASES = {
    "nothing quoted": ("Thanks.\n\nFound it.", "Thanks.\n\nFound it."),
    "gmail": (
        f"Thanks.\n\nOn Mon, 15 Jun 2020 at 14:00, {FROM} wrote:\n\n> The team\n> has\n",
        "Thanks.",
    ),
    "gmail, folded": (
        f"Thanks.\n\nOn Mon, 15 Jun 2020 at 14:00, Research challenge <\n{OURS}> wrote:\n\n> The team\n",
        "Thanks.",
    ),
    "thunderbird, German": (
        "Danke.\n\nAm 15.06.20 um 14:00 schrieb Research challenge:\n> The team\n>\n> has", "Danke."
    ),
    "French": ("Merci.\n\nLe lun. 15 juin 2020 à 14:00, Research a écrit :\n\n> The team", "Merci."),
    "Russian": ("Спасибо.\n\n15.06.2020 14:00, Research пишет:\n> The team", "Спасибо."),
    "answers between": (
        "On Monday Research challenge wrote:\n> Which build?\n20.06.\n> And the log?\nAttached nowhere.",
        "20.06.\nAttached nowhere.",
    ),
    "outlook": (
        "Thanks.\n\nFrom: Research challenge <portal@portal.example.org>\nSent: Monday, June 15, 2020 2:00 PM\n"
        "To: Rosa\nSubject: Direct line\n\nThe team has written",
        "Thanks.",
    ),
    "outlook, German": (
        f"Danke.\n\nVon: {FROM}\nGesendet: Montag, 15. Juni 2020 14:00\nAn: Rosa\n\nThe",
        "Danke.",
    ),
    "outlook, the old line": (
        f"Thanks.\n\n-----Original Message-----\nFrom: {FROM}\nSent: now\n\nThe", "Thanks."
    ),
    "outlook, underscores": (
        "Thanks.\n________________________________\nFrom: portal@portal.example.org\nSent: now\n\nThe team", "Thanks."
    ),
    "unmarked copy of ours": (
        f"Thanks.\n\nOn 15 June 2020 {OURS} wrote:\n\nThe team of Test Challenge has written", "Thanks."
    ),
    "signature": ("Thanks.\n\n-- \nRosa Researcher\nExample Ltd.\n+49 30", "Thanks."),
    "signature without its blank": ("Thanks.\n--\nRosa", "Thanks."),
    "from a telephone": ("Thanks.\n\nSent from my telephone", "Thanks."),
    # What is theirs stays, even where it looks like a quotation.
    "words about what somebody wrote": (
        "On page 3 the manual wrote:\n\nthe log is off by default.",
        "On page 3 the manual wrote:\n\nthe log is off by default."
    ),
    "a heading of their own": ("From: the boot loader\nTo: the kernel\n\nIs that right?",
                               "From: the boot loader\nTo: the kernel\n\nIs that right?"),
    "another's line": ("-----Original Message-----\nis what the device prints.",
                       "-----Original Message-----\nis what the device prints."),
    "a rule of theirs": ("One\n--\n" + "\n".join("abcdefghi") + "\nend",
                         "One\n--\n" + "\n".join("abcdefghi") + "\nend"),
    "code": ("if (a >b) run", "if (a >b) run"),
    "an arrow": ("->next\n -> prev", "->next\n -> prev"),
    "only a quotation": ("> The team\n> has written", ""),
    "only a signature": ("-- \nRosa", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_own_words(name: str) -> None:
    text, own = CASES[name]

    assert own_words(text, OURS) == own


@settings(derandomize=True, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab \n>:-_")), st.text(alphabet="ab \n"))
def test_every_line_that_is_left_was_there(text: str, more: str) -> None:
    lines = own_words(text + more, OURS).split("\n")

    assert set(lines) <= {*(text + more).split("\n"), ""}
    assert not any(line.startswith(">") for line in lines)
