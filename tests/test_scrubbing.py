"""Scrubbing: what leads to a person is marked, what only looks like it stays, in linear time."""

import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.labelled_texts import labelled_texts
from benchmarks.scrubbing import HOSTILE, is_found
from recsys_tasks.errors import BadSettings
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.texts import Rules, clean, item_text
from recsys_tasks.texts.scrubbing import KINDS, Scrubber

REGIONS = Settings.model_fields["phone_regions"].default
SCRUBBER = Scrubber(REGIONS)
PIECES = (
    *("0", "12", "4111 1111 1111 1111", "030 1234567", "DE89 3704 0044 0532 0130 00", "+49"),
    *(" ", "-", ".", "/", "(", ")", "@", " at ", " dot ", "(at)", "[dot]", "tel", "account", "a"),
    *("example.org", "x", "97", "[phone]", "[", "]", "2024-01-05", "\u200b", "&#64;", "<b>"),
)
numeric_text = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Write to Ada.L+shop@mail.example.org!", "Write to [e-mail]!"),
        ("ada (at) example [dot] org", "[e-mail]"),
        ("ada at example dot org", "[e-mail]"),
        ("at 3 dot it ends", "at 3 dot it ends"),
        ("@ada says a@b.sum() is a matrix", "@ada says a@b.sum() is a matrix"),
        ("+49 30 1234567 / 0171 1234567", "[phone] / [phone]"),
        ("(415) 555-2671", "[phone]"),
        ("415 of 5552671", "415 of 5552671"),
        ("Tel.: 5552671", "Tel.: [phone]"),
        ("4111-1111-1111-1111, 12/27", "[card], 12/27"),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),  # its check digit is wrong
        ("order 12 4111111111111111 of", "order 12 [card] of"),
        ("IBAN DE89 3704 0044 0532 0130 00 bitte", "IBAN [account] bitte"),
        ("account number: 12345678", "account number: [account]"),
        ("12-34-56 12345678", "[account]"),
        ("ISBN 978-0-306-40615-7", "ISBN 978-0-306-40615-7"),
        ("2024-01-05 10:30, 05.01.2024", "2024-01-05 10:30, 05.01.2024"),
        ("127.100.200.255 and 3.14159265", "127.100.200.255 and 3.14159265"),
        ("arxiv.org/abs/quant-ph/0505030 (1610.02365)",) * 2,
    ],
)
def test_what_leads_to_a_person_is_marked_and_nothing_else(text: str, scrubbed: str) -> None:
    assert SCRUBBER.scrub(text) == scrubbed


def test_numbers_are_those_of_the_regions() -> None:
    assert Scrubber(("GB",)).scrub("ring 020 7946 0958") == "ring [phone]"
    assert Scrubber().scrub("so 020 7946 0958 or +44 20 7946 0958") == "so 020 7946 0958 or [phone]"


def test_of_a_labelled_sample_nearly_all_is_found() -> None:
    """docs/personal-data.md has the figures of a larger one."""
    n: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    for text in labelled_texts(2, 7):
        scrubbed = SCRUBBER.scrub(text.text)
        n[text.kind] += 1
        marked[text.kind] += (
            is_found(text, scrubbed) if text.kind in KINDS else scrubbed != text.text
        )

    assert n.keys() == {*KINDS, "none"}
    assert min(marked[kind] / n[kind] for kind in ("e-mail", "card", "account")) >= 0.99
    assert marked["phone"] / n["phone"] >= 0.93
    assert marked["none"] / n["none"] <= 0.02


@given(numeric_text | st.text())
def test_scrubbing_twice_changes_nothing(text: str) -> None:
    scrubbed = SCRUBBER.scrub(clean(text))

    assert SCRUBBER.scrub(scrubbed) == scrubbed
    assert clean(scrubbed) == scrubbed


@given(numeric_text)
def test_what_a_source_has_comes_to_the_same_as_what_is_cleaned_first(text: str) -> None:
    at_once = SCRUBBER.scrub(clean(text))

    assert SCRUBBER.scrub(clean(SCRUBBER.scrub_raw(text))) == at_once


def test_a_text_that_holds_nothing_is_taken_as_it_came() -> None:
    assert SCRUBBER.scrub_raw("  two\n<b>cups</b> ") == "  two\n<b>cups</b> "
    assert SCRUBBER.scrub_raw("ada&#64;example.org") == "[e-mail]"


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_take_time_in_proportion_to_their_length(piece: str) -> None:
    def seconds(size: int) -> float:
        start = time.process_time()
        SCRUBBER.scrub((piece * size)[:size])
        return time.process_time() - start

    seconds(1_000)
    # Quadratic, it would take 64 times as long for eight times the text.
    assert seconds(16_000) < 30 * max(seconds(2_000), 0.01)


def test_items_are_scrubbed_where_the_rules_say_so() -> None:
    fields = ("Lamp", None, "Call 020 7946 0958", None)

    assert item_text(*fields) == "Lamp. Call 020 7946 0958"
    assert item_text(*fields, Rules(scrubber=SCRUBBER)) == "Lamp. Call [phone]"
    assert len({Rules(scrubber=by).fingerprint for by in (None, SCRUBBER, Scrubber())}) == 3


def test_a_region_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_PHONE_REGIONS", "de, uk")

    with pytest.raises(BadSettings, match="RECSYS_PHONE_REGIONS: UK is no region"):
        read_settings()
    assert read_settings(phone_regions="de, at").phone_regions == ("DE", "AT")
