"""What topics are called: their keywords; or, where a generator is set, what it makes of them."""

import json
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

import numpy as np
import structlog

from recsys_tasks.generating import (
    Allowed,
    Budget,
    Generator,
    Prompt,
    ask,
    open_generator,
    prompt_for,
    refusal,
    tidied,
    vocabulary_of,
)
from recsys_tasks.settings import Settings
from recsys_tasks.texts import clean
from recsys_tasks.topics import Titles, distinct_names, keywords
from recsys_tasks.warehouse import Session

log = structlog.get_logger()

N_EXAMPLES = 8
BY_KEYWORDS = "keywords"


class _Topic(NamedTuple):
    """A topic to be named; its titles are those of its examples."""

    key: int
    keywords: tuple[str, ...]
    titles: tuple[str, ...]

    @property
    def prompt(self) -> Prompt:
        """What a generator is asked about it."""
        return prompt_for(self.keywords, self.titles)


def name_topics(session: Session, settings: Settings, night: date, *, anew: bool) -> None:
    """Give every topic a name of its own.

    Args:
        session: Of the night, when items are placed.
        settings: Of the tenant.
        night: Which one.
        anew: Whether topics were found just now, so that their keywords are to be found too.
    """
    if anew:
        _find_keywords(session)
    topics = [
        _Topic(key, tuple(words), tuple(map(clean, titles)))
        for key, words, titles in session.rows("topics_to_name")
    ]
    plain = distinct_names((topic.key, topic.keywords) for topic in topics)
    generator = open_generator(settings)
    answers = _generated(session, settings, night, generator, topics) if generator else {}
    told: list[dict[str, object]] = []
    taken = {name.casefold() for name in plain.values()}
    for key, plain_name in plain.items():
        name, by = plain_name, BY_KEYWORDS
        answer = answers.get(key)
        if generator and answer and answer.casefold() not in taken:
            name, by = answer, generator.generator_id
        taken.add(name.casefold())
        told.append({"topic_key": key, "name": name, "named_by": by})
    _write(session, told)


def _find_keywords(session: Session) -> None:
    rows = session.rows("topic_titles")
    keys = sorted({key for key, _, _ in rows})
    topics = np.searchsorted(keys, [key for key, _, _ in rows]).astype(np.int32)
    found = keywords(Titles([clean(title) for _, _, title in rows], topics), len(keys))
    examples = {
        key: [item for _, item, _ in own][:N_EXAMPLES]
        for key, own in groupby(rows, key=lambda row: row[0])
    }
    told = [
        {"topic_key": key, "keywords": list(words), "example_keys": examples[key]}
        for key, words in zip(keys, found, strict=True)
    ]
    session.execute("set_keywords", told=json.dumps(told))


def _write(session: Session, told: list[dict[str, object]]) -> None:
    before = {(key, name, by) for key, name, by in session.rows("topic_names")}
    if before != {tuple(names.values()) for names in told}:
        session.execute("unname_topics")
        session.execute("name_topics", told=json.dumps(told))


def _generated(
    session: Session,
    settings: Settings,
    night: date,
    generator: Generator,
    topics: Sequence[_Topic],
) -> dict[int, str]:
    """Names by topic, as far as a generator gave any that may be shown, now or before."""
    questions = {topic.key: topic.prompt.digest for topic in topics if topic.keywords}
    asked = {"generator_id": generator.generator_id, "questions": list(questions.values())}
    known = {bytes(question): name for question, name in session.rows("generated_names", **asked)}
    new = [topic for topic in topics if questions.get(topic.key, b"") not in {*known, b""}]
    if new:
        known |= _asked(session, settings, night, generator, new)
    names = {key: known.get(question) for key, question in questions.items()}
    return {key: name for key, name in names.items() if name}


def _asked(
    session: Session,
    settings: Settings,
    night: date,
    generator: Generator,
    topics: Sequence[_Topic],
) -> dict[bytes, str | None]:
    """Ask about topics, and keep what comes; None for an answer that was refused."""
    budget = Budget(settings.generator_calls, settings.generator_seconds)
    answers = ask(generator, [topic.prompt for topic in topics], budget)
    if answers.problem:
        session.note(f"topics keep names of keywords: generator: {answers.problem}")
    vocabulary = vocabulary_of(clean(title) for (title,) in session.rows("listed_titles"))
    told = [
        {"question": topic.prompt.digest.hex(), **_checked(topic, answer, vocabulary)}
        for topic, answer in zip(topics, answers.texts, strict=True)
        if answer is not None
    ]
    session.execute(
        "insert_generated_names",
        generator_id=generator.generator_id,
        told=json.dumps(told),
        night=night,
    )
    return {bytes.fromhex(str(one["question"])): one["name"] for one in told}


def _checked(topic: _Topic, answer: str, vocabulary: frozenset[str]) -> dict[str, str | None]:
    """The name that an answer gives, or why it gives none."""
    name = tidied(answer)
    refused = refusal(name, Allowed(vocabulary, frozenset(topic.keywords)))
    if refused:
        log.info("answer refused", topic=topic.key, reason=refused)
    return {"name": None if refused else name, "refused": refused}
