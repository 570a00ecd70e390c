"""Numbers, times and half-lives as people read them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Final

_SPANS: Final = (
    (0.75, "the last hours"),
    (1.5, "the last day"),
    (10, "the last {days} days"),
    (21, "the last weeks"),
    (45, "this month"),
    (75, "the last two months"),
    (150, "this season"),
    (400, "this year"),
)
# Words of titles that say nothing of what a thing is.
_EMPTY_WORDS: Final = frozenset({
    *("and", "the", "for", "with", "from", "into", "over", "this", "that", "are", "was", "you"),
    *("your", "not", "but", "all", "any", "can", "has", "how", "its", "our", "out", "what", "when"),
    *("where", "which", "who", "why", "will", "set", "part", "vol", "volume"),
    *("der", "die", "das", "und", "mit", "von", "les", "des", "une", "pour"),
})
_MOST_WORDS = 6


def span(half_life: float) -> str:
    """What a half-life in days holds, in words.

    >>> span(2), span(14), span(90), span(0.5)
    ('the last 2 days', 'the last weeks', 'this season', 'the last hours')
    """
    text = next((text for limit, text in _SPANS if half_life <= limit), "the long run")
    return text.format(days=f"{half_life:.0f}")


def days(number: float) -> str:
    """A number of days.

    >>> days(1), days(2.5), days(90.0)
    ('1 day', '2.5 days', '90 days')
    """
    return f"{number:.3g} day{'s' if number != 1 else ''}"


def seconds(number: float) -> str:
    """A duration.

    >>> seconds(0.42), seconds(75), seconds(4000)
    ('0.4 s', '1 min 15 s', '1 h 6 min')
    """
    if number < 60:  # noqa: PLR2004  seconds of a minute
        return f"{number:.1f} s" if number < 10 else f"{number:.0f} s"  # noqa: PLR2004  one place
    minutes, rest = divmod(round(number), 60)
    if minutes < 60:  # noqa: PLR2004  minutes of an hour
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def moment(time: datetime) -> str:
    """A time to the minute, in UTC.

    >>> moment(datetime(2026, 11, 3, 4, 5, tzinfo=UTC))
    '2026-11-03 04:05 UTC'
    """
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def counts(found: Mapping[str, object]) -> str:
    """What a step did, in numbers; what is nothing is left out.

    >>> counts({"new_items": 1200, "nights": 1, "rejected": 0, "text": "none"})
    '1,200 new items, 1 night, text: none'
    """
    return ", ".join(
        _count(name.replace("_", " "), value) for name, value in found.items() if value
    )


def _count(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name}: {value}"
    if value == 1:
        return f"1 {name.removesuffix('s')}"
    return f"{value:,.0f} {name}" if float(value).is_integer() else f"{value:,.3g} {name}"


def words_of(titles: Iterable[str]) -> tuple[str, ...]:
    """Words that at least two of the titles have, most frequent first; of equals, the earlier.

    >>> words_of(["Red garden rose", "Rose, pink", "A garden chair"])
    ('garden', 'rose')
    """
    found = Counter(
        word
        for title in titles
        for word in dict.fromkeys(re.findall(r"[^\W\d_]{3,}", title.lower()))
        if word not in _EMPTY_WORDS
    )
    return tuple(word for word, n in found.most_common(_MOST_WORDS) if n > 1)


def day_of(text: str | None) -> date | None:
    """The day that an address names; None where it names none.

    >>> day_of("2026-11-03"), day_of("'; drop table"), day_of(None)
    (datetime.date(2026, 11, 3), None, None)
    """
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def prefix_pattern(typed: str) -> str:
    r"""A pattern for `like`: what begins as typed.

    >>> prefix_pattern("a_b%"), prefix_pattern("\\")
    ('a\\_b\\%%', '\\\\%')
    """
    return re.sub(r"([\\%_])", r"\\\1", typed) + "%"


def word_query(typed: str) -> str:
    """A tsquery: every word typed is the beginning of a word; of no words, what nothing matches.

    >>> word_query("red  Cup'); drop"), word_query("&|!")
    ("'red':* & 'Cup':* & 'drop':*", '')
    """
    return " & ".join(f"'{word}':*" for word in re.findall(r"\w+", typed))
