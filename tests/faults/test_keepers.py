"""What is done to a schema beside nights, disturbed: erasures, upkeep, upgrades, trainings."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from models import learned_of
from pydantic import SecretStr

from recsys_tasks.erasing import erase
from recsys_tasks.errors import EbbtideError
from recsys_tasks.finetuning import TuningOptions
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.maintaining import maintain
from recsys_tasks.modelling import Fitted, Request, train, tune_encoder
from recsys_tasks.renaming import give_back, rotate
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import connect
from recsys_tasks.warehouse.history import History

from .contents import State, differences
from .disturbed import LEDGER
from .injecting import AFTER_COMMIT, COMMITTED, FAULTS, Script, watched
from .places import DAYS, Place, administer
from .released import take_back
from .tally import Tally

CHOSEN = {
    "erasure_key": SecretStr("a secret of the tests"),
    "identity_key": SecretStr("another secret of the tests"),
    "keep_events": 1,  # none of these days is so new: nearly all goes
}
FORMER = 20  # a version of the schema
Choose = Callable[[Sequence[tuple[str, int]], int], Sequence[tuple[str, int]]]


@dataclass(frozen=True)
class Deed:
    """Something that is done beside nights.

    Attributes:
        do: Does it.
        first: What has to be done before.
        is_one: Whether it is one transaction.
        is_same_again: Whether it changes nothing where it is done already.
    """

    do: Callable[[Settings], object]
    first: Callable[[Settings], object] | None = None
    is_one: bool = True
    is_same_again: bool = True


def go_back(dsn: str) -> None:
    """To an earlier schema, whose functions find names as they did then."""
    take_back(dsn, FORMER)
    administer(dsn, "set search_path to recsys, public", "select secure_schema()")


def learn(settings: Settings) -> None:
    """A training whose model serves; which one it is, the day says."""
    warehouse = connect(settings)
    train(warehouse, settings, fitter=fitted, force=True)
    warehouse.close()


def fitted(history: History, zero_shot: ZeroShot, until: int, request: Request) -> Fitted:
    """What a fit leaves, without its minutes: what is written of it is what is disturbed."""
    del zero_shot, request
    model = learned_of(history.item_keys.tolist(), history.vectors.shape[1], seed=until)
    return Fitted(model, {"interactions": len(history.interactions.before(until))})


def tune(settings: Settings) -> None:
    """An encoder that is tuned in one pass, and stands beside the one that serves."""
    warehouse = connect(settings)
    tune_encoder(warehouse, settings, "tuned", TuningOptions(max_passes=1), until=DAYS[-1])
    warehouse.close()


DEEDS = {
    "erasure": Deed(lambda settings: erase(settings, "u1")),
    "pseudonyms": Deed(rotate),
    "pseudonyms taken back": Deed(give_back, first=rotate),
    "maintenance": Deed(maintain, is_one=False),
    "upgrade": Deed(
        lambda settings: connect(settings).close(),
        first=lambda settings: go_back(str(settings.dsn)),
    ),
    # Once more is another one: against the model that it has made itself.
    "training": Deed(learn, is_one=False, is_same_again=False),
    "tuning": Deed(tune, is_one=False),
}


@pytest.mark.parametrize("name", DEEDS)
def test_it_leaves_all_or_nothing_and_is_made_up_for(
    world: Place, some: Choose, tally: Tally, tmp_path: Path, name: str
) -> None:
    deed, settings = DEEDS[name], world.settings.model_copy(update=CHOSEN | {"var": tmp_path})
    with world._replace(settings=settings).copied() as begun:
        if deed.first:
            deed.first(begun.settings)
        before = begun.state()
        with begun.copied() as undisturbed:
            with watched(Script()) as script:
                deed.do(undisturbed.settings)
            after = undisturbed.state()
        assert differs(before, after)
        for fault, at in some(places_of(script.points), 1):
            with tally.injection(f"{name}, disturbed"), begun.copied() as place:
                shutil.rmtree(tmp_path)  # what was made of it before
                tmp_path.mkdir()
                disturb(place, deed, Script(at, FAULTS[fault]), before, after)


def places_of(points: Sequence[str]) -> list[tuple[str, int]]:
    """All that can happen to it."""
    return [
        (fault, at)
        for fault in FAULTS
        for at, point in enumerate(points)
        if point != COMMITTED or fault in AFTER_COMMIT
    ]


def disturb(place: Place, deed: Deed, script: Script, before: State, after: State) -> None:
    end: BaseException | None = None
    with watched(script):
        try:
            deed.do(place.settings)
        except (EbbtideError, psycopg2.Error, MemoryError, KeyboardInterrupt) as error:
            end = error
    assert script.is_met
    found = place.state()
    assert found.shown in (before.shown, after.shown)
    # The model that serves changes last, when all that it needs is there.
    assert serving(found) == serving(before) or not differs(found, after)
    if deed.is_one:
        assert not differs(found, before) or not differs(found, after)
    if end is None:
        assert not differs(found, after)
    if deed.is_same_again or differs(found, after):
        deed.do(place.settings)
    assert not differs(place.state(), after)


def serving(state: State) -> list[str]:
    return [row for row in state.rows["models"] if "('state', 'serving')" in row]


def differs(found: State, expected: State) -> list[str]:
    """To the bit, but for the ledger, and for reports of erasures: they say when it was."""
    told = differences(found.rows, expected.rows, LEDGER, "erasures")
    told += ["erasures"] * (len(found.rows["erasures"]) != len(expected.rows["erasures"]))
    return told + ["what is shown"] * (found.shown != expected.shown)
