"""What users write, marked before it is stored, and what was stored before the rules of now."""

from collections.abc import Iterable

from recsys_tasks.settings import Settings
from recsys_tasks.texts import content_hash
from recsys_tasks.texts.scrubbing import Scrubber
from recsys_tasks.warehouse.removing import remove_questioned_texts
from recsys_tasks.warehouse.session import Session

_RECORD = "scrubbed_texts"  # among what is made anew only when its rules change
_NONE = "none"


def scrubber_of(settings: Settings) -> Scrubber | None:
    """What marks the texts of users; None where they stay as they are."""
    return None if settings.scrub == _NONE else Scrubber(settings.phone_regions)


def scrub_staged(session: Session, scrubber: Scrubber | None) -> None:
    """Mark the texts that a night is about to take, also those of rejected rows."""
    if scrubber:
        texts = (text for (text,) in session.rows("staged_user_texts"))
        _replace(session, scrubber, texts, "scrub_staged")


def scrub_loaded(session: Session, scrubber: Scrubber | None) -> None:
    """Mark the texts of what is rejected of a file."""
    if scrubber:
        texts = (text for (text,) in session.rows("loaded_rejected_texts"))
        _replace(session, scrubber, texts, "scrub_loaded")


def scrub_known(session: Session, scrubber: Scrubber | None) -> None:
    """Mark what was stored under other rules, once; what was marked then stays marked.

    Not read from the source again, which may not have it any more. Days whose texts change are to
    be accumulated anew.
    """
    rules = scrubber.rules if scrubber else _NONE
    if session.value("derived_fingerprint", table=_RECORD) == rules:
        return
    if scrubber:
        texts = (text for (text,) in session.rows("rejected_texts"))
        _replace(session, scrubber, texts, "scrub_rejected")
        _relink(session, scrubber)
    session.execute("upsert_derived", table=_RECORD, fingerprint=rules)


def _relink(session: Session, scrubber: Scrubber) -> None:
    """Let interactions point to marked texts, and forget those that nobody has any more."""
    contents = (content for (content,) in session.rows("linked_user_texts"))
    changed = list(scrubber.changes(contents))
    if not changed:
        return
    session.execute("create_scrubbed")
    session.copy_rows("copy_scrubbed", changed)
    hashes = ((new, content_hash(new).hex(), new) for new in {new for _, new in changed})
    session.execute("create_staged_contents")
    session.copy_rows("copy_staged_contents", hashes)
    session.execute("insert_contents")
    session.execute("create_scrubbed_texts_in_question")
    session.execute("forget_days_of_scrubbed")
    session.execute("relink_scrubbed")
    session.execute("drop_staged_contents")
    session.execute("drop_scrubbed")
    remove_questioned_texts(session)


def _replace(session: Session, scrubber: Scrubber, texts: Iterable[str], query: str) -> None:
    """Put marked texts in the place of others by a query that reads `scrubbed`."""
    if changed := list(scrubber.changes(texts)):
        session.execute("create_scrubbed")
        session.copy_rows("copy_scrubbed", changed)
        session.execute(query)
        session.execute("drop_scrubbed")
