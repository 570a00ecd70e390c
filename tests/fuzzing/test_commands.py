"""Commands: any argument ends with 0, 1 or 2, and never with a traceback or a bug."""

import pytest
from cli.shop import DAYS, Ebbtide
from hypothesis import given
from hypothesis import strategies as st

from recsys_tasks import nightly
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse

from .entrances import Entrances, some
from .hostile import anything

# Those that start no server and change little, with what they take.
COMMANDS = {
    "recommend": (1, ("-n", "--schema")),
    "similar": (1, ("-n", "--schema")),
    "why": (2, ("--json",)),
    "export": (1, ("--output",)),
    "erase": (1, ("--yes", "--tombstone")),
    "verify": (1, ()),
    "experiments": (0, ("--metric",)),
    "models": (0, ()),
    "doctor": (0, ()),
    "load": (1, ()),
    "night": (1, ("--preset", "--despite", "--shards")),
    "replay": (0, ("--since", "--until")),
    "backtest": (0, ("--since", "--until", "--preset")),
    "sql": (1, ()),
    "access": (0, ("--sql",)),
}


@pytest.fixture
def opened(shop: Warehouse, settings: Settings) -> None:
    """A shop that has had its first night."""
    del shop
    nightly.run_night(settings, DAYS[0])


@some(0.6)
@given(data=st.data())
@pytest.mark.usefixtures("opened")
def test_a_command_with_any_arguments(
    entrances: Entrances, ebbtide: Ebbtide, data: st.DataObject
) -> None:
    command = data.draw(st.sampled_from(sorted(COMMANDS)))
    n_words, options = COMMANDS[command]
    words = st.one_of(anything, st.sampled_from(["u1", "i01", "2024-03-02"])).map(_as_typed)
    extra = st.lists(st.one_of(words, st.sampled_from([*options, "0", "--"])), max_size=3)
    # Mostly as it is meant: what is given in the right places is anything.
    arguments = [
        *data.draw(st.just([]) | extra),
        *data.draw(st.just(["--"]) | st.just([])),
        *data.draw(st.lists(words, min_size=n_words, max_size=n_words)),
    ]
    answer = ebbtide(command, *arguments)
    assert answer.status in (0, 1, 2), answer
    said = answer.out + answer.err
    assert "Traceback" not in said
    assert "(a bug" not in said, said
    if answer.status == 1 and command != "doctor":
        assert answer.err.splitlines()[-1].startswith("ebbtide: "), answer.err
    entrances.tell(f"commands: exit {answer.status}")


def _as_typed(word: str) -> str:
    """A file that a command writes is one of the tests' own."""
    return word.replace("/", "_").replace("~", "_")
