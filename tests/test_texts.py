"""Texts: what is left of them, how an item's fields become one, and which are near to equal."""

import re
import unicodedata
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys_tasks.texts import (
    Boilerplate,
    Rules,
    Template,
    clean,
    content_hash,
    item_text,
    link_near_duplicates,
    stop_words,
)

# Pieces that become markup, escapes or composed letters once their neighbours are gone.
PIECES = re.findall(
    r"\S+",
    "< > & &lt; &gt; &amp; &#38; amp; lt; #38; <b> </b> <br/> <!-- --> <![CDATA[ ]]>"
    " <script> </script> &#xFF1C; &#xD800; &#0; e A",
) + list("\uff1c\uff06\u0301\u0338\u200b\ufeff\u00a8\ufdfa\ud800\n ")
any_text = st.text(st.characters(exclude_categories=()))
nasty_text = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)
attribute = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text,
    lambda values: st.lists(values) | st.dictionaries(any_text, values),
    max_leaves=5,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@given(any_text | nasty_text)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(any_text | nasty_text)
def test_a_clean_text_is_printable_composed_and_single_spaced(text: str) -> None:
    cleaned = clean(text)

    assert cleaned.isprintable()
    assert cleaned == unicodedata.normalize("NFKC", cleaned)
    assert cleaned == " ".join(cleaned.split())


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (None, ""),
        ("<p>Tea</p><p>pot</p>", "Tea pot"),
        ("Tom &amp;amp; Jerry &lt;3", "Tom & Jerry <3"),
        ("&amp;lt;b&amp;gt;bold&amp;lt;/b&amp;gt;", "bold"),
        ("before<script>var x = '<b>';</script>after<!-- never read -->.", "before after ."),
        ("<![CDATA[Candle <i>holder</i>]]>", "Candle holder"),
        ("zero\u200bwidth \ufeffsoft\u00adhyphen \x07bell", "zerowidth softhyphen bell"),
        ("\ufb01ne \uff21\uff22\uff23 2\u00a0kg e\u0301t\u00e9", "fine ABC 2 kg été"),
        ("a < b, b > c, |0><1|, <psi|phi>, R&D", "a < b, b > c, |0><1|, <psi|phi>, R&D"),
        ("half a pair: \ud800", "half a pair:"),
        ("&#" + "9" * 5000 + ";more digits than int() takes", "more digits than int() takes"),
    ],
)
def test_clean_keeps_the_words_and_nothing_else(text: str | None, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    "piece", ["&amp;", "amp;", "<!--", "<a", "<script", "</script", "<![", "<b>"]
)
def test_hostile_repetition_ends(piece: str) -> None:
    """Quadratic time would take minutes for these."""
    text = clean("&" + piece * 200_000)

    assert clean(text) == text


def test_item_text_skips_what_is_missing() -> None:
    parts = product(
        ("Red cup", ""), ("Kitchen", None), ("<p>Holds tea.</p>", "<br>"), ({"size": 3}, None)
    )
    texts = {item_text(*fields) for fields in parts}

    assert len(texts) == 2**4
    assert {"", "Red cup", "Red cup. size: 3", "Red cup. Kitchen. Holds tea. size: 3"} <= texts


def test_attributes_are_read_in_the_order_of_their_keys() -> None:
    attributes = {
        "size": [2, "large"],
        "new": True,
        "made": {"in": "UK", "by": "hand"},
        "age": None,
    }
    text = item_text(None, None, None, attributes)

    assert text == "made: by hand, in UK; new: yes; size: 2, large"
    assert text == item_text(None, None, None, dict(reversed(attributes.items())))


@given(nasty_text, any_text, nasty_text, st.dictionaries(any_text, attribute, max_size=3))
def test_an_item_text_is_clean(
    title: str, category: str, description: str, attributes: dict[str, object]
) -> None:
    text = item_text(title, category, description, attributes)

    assert clean(text) == text


@given(any_text, any_text)
def test_texts_have_equal_hashes_only_if_they_are_equal(one: str, other: str) -> None:
    one, other = clean(one), clean(other)

    assert (content_hash(one) == content_hash(other)) == (one == other)


def test_a_hash_is_the_same_for_ever() -> None:
    """Another function would encode every catalogue again."""
    assert content_hash("Café cups").hex() == "30f3baeab3d28aafec27595910a00044"


# Rules


@given(
    st.lists(st.sampled_from(["", "Cup", "Is it?", "Holds tea.", "a-b"]), min_size=3, max_size=3),
    st.dictionaries(st.sampled_from(["colour", "size", "title"]), attribute, max_size=3),
)
def test_the_default_rules_describe_as_before_there_were_rules(
    fields: list[str], attributes: dict[str, object]
) -> None:
    title, category, description = fields
    listed = item_text(None, None, None, attributes)
    parts = [part for part in (*fields, listed) if part]
    ends = [part if part.endswith((".", "!", "?")) else f"{part}." for part in parts[:-1]]

    text = item_text(title, category, description, attributes)

    assert text == clean(" ".join(ends + parts[-1:]))
    assert Rules().fingerprint is None


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{title}", "Cup"),
        ("{brand}: {title}. {description}", "Acme: Cup. Holds tea."),
        ("{maker}: {title}", "Cup"),
        ("{title} ({maker}). {colour} {description}", "Cup. red Holds tea."),
        ("Made by {brand}. {attributes}", "Made by Acme. colour: red"),
    ],
)
def test_a_template_takes_fields_and_attributes(template: str, text: str) -> None:
    attributes = {"brand": "Acme", "colour": "red"}
    rules = Rules(Template(template))

    assert item_text("Cup", None, "<p>Holds tea.", attributes, rules) == text


@pytest.mark.parametrize("template", ["no field", "{title", "{}", "{title!r}", "{title:>9}", ""])
def test_a_template_that_cannot_be_filled_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Template(template)


def test_nothing_to_tell_is_no_text() -> None:
    assert item_text(None, "", "<br>", {}, Rules(Template("Item {title}: {description}!"))) == ""


def test_stop_words_are_left_out_but_never_the_whole_text() -> None:
    rules = Rules(Template("{title}"), stop_words(["english", "kitchenware"]))

    assert item_text("The cup of Kitchenware Sons", None, None, None, rules) == "cup Sons"
    assert item_text("The Who", None, None, None, rules) == "The Who"


def test_boilerplate_is_what_many_descriptions_say() -> None:
    descriptions: list[str | None] = [
        f"Cup number {n}. FREE shipping! Made of clay." for n in range(7)
    ]
    descriptions += ["Free shipping! Red.", None, ""]
    boilerplate = Boilerplate.of(descriptions, share=0.8)

    def read(description: str | None) -> str:
        return item_text("Cup", None, description, None, Rules(boilerplate=boilerplate))

    assert read("Cup number 1. FREE shipping! Made of clay.") == "Cup. Cup number 1. Made of clay."
    assert read("Free shipping! Red.") == "Cup. Red."


def test_two_items_make_no_boilerplate() -> None:
    assert Boilerplate.of(["Red.", "Red."], share=0.1) == Boilerplate()


def test_rules_have_the_fingerprint_of_what_they_say() -> None:
    rules = [
        Rules(),
        Rules(Template("{title}")),
        Rules(stop_words=frozenset({"the"})),
        Rules(boilerplate=Boilerplate(frozenset({1}))),
    ]

    assert len({rule.fingerprint for rule in rules}) == len(rules)
    assert Rules(Template("{title}")).fingerprint == rules[1].fingerprint


# Near-duplicates


def made(rng: np.random.Generator, n: int, cosine: float) -> NDArray[np.float32]:
    """Random unit vectors (n, 64), and n more that have a cosine with them, row by row."""
    first = rng.standard_normal((n, 64))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    noise = rng.standard_normal((n, 64))
    noise -= (noise * first).sum(axis=1, keepdims=True) * first
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    near = cosine * first + np.sqrt(1 - cosine**2) * noise
    return np.concatenate([first, near]).astype(np.float32)


def test_near_duplicates_are_linked_to_the_first(rng: np.random.Generator) -> None:
    links = link_near_duplicates(made(rng, 50, 0.99), 0.98)

    np.testing.assert_array_equal(links.rows, np.arange(50, 100))
    np.testing.assert_array_equal(links.originals, np.arange(50))
    np.testing.assert_allclose(links.likeness, 0.99, atol=1e-5)
    assert not len(link_near_duplicates(made(rng, 50, 0.97), 0.98).rows)


def test_blocks_find_nearly_all_that_all_pairs_find(rng: np.random.Generator) -> None:
    vectors = made(rng, 2000, 0.985)

    found = link_near_duplicates(vectors, 0.98, block=128)

    assert len(found.rows) >= 0.97 * 2000
    assert (found.originals == found.rows - 2000).all()
    np.testing.assert_array_equal(found.rows, link_near_duplicates(vectors, 0.98, block=128).rows)


def test_a_chain_of_neighbours_is_no_group() -> None:
    angles = np.array([0, 0.19, 0.38])  # neighbours have a cosine of .982, the ends of .929
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    links = link_near_duplicates(vectors, 0.98)

    assert links.rows.tolist() == [1]
    assert links.originals.tolist() == [0]


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_is_near_to_nothing(n: int) -> None:
    assert not len(link_near_duplicates(np.full((n, 4), 0.5, np.float32), 0.9).rows)
