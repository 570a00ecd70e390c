"""What a language model says to the lists of a night, before they are made: of all, or of nobody.

Questions are those of the whole night, whatever its shards, and each answer is a function of its
question alone. So lists are the same in one piece and in shards, and when a night is run again.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_tasks.interactions import NO_ROW
from recsys_tasks.language import LanguageFailed, Question, answers, language_model, prompt_of
from recsys_tasks.settings import Language, Settings, preset_of
from recsys_tasks.steps.rank.inputs import Picture, read_users
from recsys_tasks.steps.rank.listing import lists_of_variants, setting_of
from recsys_tasks.steps.rank.making import items_of
from recsys_tasks.steps.rank.variants import Shown, by_picture, draft_variants, read_variants
from recsys_tasks.texts import clean
from recsys_tasks.warehouse import Session, copying
from recsys_tasks.warehouse.weighing import counted

PROMPTED: Final = 10  # last titles of a user in a prompt


class Asked(NamedTuple):
    """A question about a user's list.

    Attributes:
        user_key: Whose.
        item_keys: Its first entries, by score.
        question: How likely their titles are to the user.
    """

    user_key: int
    item_keys: NDArray[np.int32]
    question: Question


def ask_about_lists(
    session: Session,
    settings: Settings,
    shown: Sequence[Shown],
    picture: Picture,
    user_keys: NDArray[np.int32],
) -> None:
    """Ask about the lists of users with few events, and write down what was said.

    Where there is no answer to all of it in time, nothing is written: users of variants with
    `language` are shown the default, and the ledger says so.

    Args:
        session: Of the night, which has drafted its variants.
        settings: Of the tenant.
        shown: Who is shown what.
        picture: The items, as the default ranks them.
        user_keys: For whom lists are made.
    """
    speaking = [variant for variant in shown if variant.language]
    if settings.language is None or not speaking:
        session.execute("delete_title_lifts", night=date.max)
        return
    asked = list(_asked(session, settings, settings.language, shown, picture, user_keys))
    try:
        _answer(session, settings, settings.language, picture.night, asked)
    except LanguageFailed as failed:
        session.execute("delete_title_lifts", night=picture.night)
        names = ", ".join(variant.name for variant in speaking)
        session.note(f"users of {names} are shown {shown[0].name}: {failed}")
        rest = [variant for variant in shown if not variant.language]
        draft_variants(session, settings, rest, picture.night)


def _answer(
    session: Session, settings: Settings, language: Language, night: date, asked: Sequence[Asked]
) -> None:
    if not asked:
        session.execute("delete_title_lifts", night=night)
        return
    model = language_model(language.model, settings.device)
    questions = [each.question for each in asked]
    digests = [question.digest(model.fingerprint) for question in questions]
    said = dict(zip(digests, questions, strict=True))
    known = {
        said[bytes(digest)]: np.array(lifts, np.float32)
        for digest, lifts in session.rows("known_lifts", questions=digests)
    }
    found = answers(model, questions, language.seconds, known)
    session.execute("delete_title_lifts", night=night)
    session.copy_rows(
        "copy_title_lifts",
        (
            (night, each.user_key, f"\\x{digest.hex()}", *map(_array, (each.item_keys, lifts)))
            for each, digest, lifts in zip(asked, digests, found, strict=True)
        ),
    )


def _array(values: NDArray[np.generic]) -> str:
    """As PostgreSQL reads one."""
    return f"{{{','.join(map(str, values.tolist()))}}}"


def _asked(
    session: Session,
    settings: Settings,
    language: Language,
    shown: Sequence[Shown],
    picture: Picture,
    user_keys: NDArray[np.int32],
) -> Iterator[Asked]:
    """The questions of a night."""
    night = picture.night
    (few,) = session.copy_out(
        "users_of_few_events",
        (copying.INT4,),
        night=night,
        variant_keys=[variant.variant_key for variant in shown if variant.language],
        events=language.events,
    )
    few = few[np.isin(few, user_keys)][: language.users]
    variant_keys = read_variants(session, night, few)
    for group in by_picture(shown):
        theirs = np.isin(variant_keys, [each.variant_key for each in group if each.language])
        if theirs.any():
            is_default = group[0] is shown[0]
            items = picture if is_default else items_of(session, settings, group, picture)
            lists = _first_entries(session, settings, group, items, few[theirs])
            yield from _questions(session, settings, language, items, few[theirs], lists)


def _first_entries(
    session: Session,
    settings: Settings,
    group: list[Shown],
    picture: Picture,
    user_keys: NDArray[np.int32],
) -> NDArray[np.int32]:
    """The lists of some users by score, as item keys, shape (n, k); 0 where they are short."""
    block = read_users(session, settings, group[0].live, picture, user_keys, group[0].alpha)
    variant_keys = read_variants(session, picture.night, user_keys)
    setting = setting_of(session, settings, picture, group)
    lists, _ = lists_of_variants(session, settings, block, group, variant_keys, setting)
    keys = np.append(picture.item_keys, 0)  # NO_ROW finds the last
    return np.where(lists.rows == NO_ROW, 0, keys[lists.rows]).astype(np.int32)


def _questions(
    session: Session,
    settings: Settings,
    language: Language,
    picture: Picture,
    user_keys: NDArray[np.int32],
    lists: NDArray[np.int32],
) -> Iterator[Asked]:
    """One a user who took to something that has a title."""
    done = counted(
        session,
        "histories_of_users",
        preset_of(settings),
        picture.model,
        night=picture.night,
        user_keys=user_keys.tolist(),
        length=language.events,
    )
    liked = done.weights > 0
    wanted = np.union1d(done.item_keys[liked], lists)
    titles = {
        key: clean(title)
        for key, title in session.rows("titles_of_items", item_keys=wanted.tolist())
    }
    for user_key, listed in zip(user_keys.tolist(), lists[:, : language.candidates], strict=True):
        theirs = done.item_keys[liked & (done.user_keys == user_key)].tolist()
        told = [titles[key] for key in theirs if titles.get(key)]
        first = listed[listed > 0]
        if told and len(first):
            named = tuple(titles.get(key, "") for key in first.tolist())
            yield Asked(user_key, first, Question(prompt_of(told[-PROMPTED:]), named))
