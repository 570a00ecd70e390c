"""Commands: any argument ends with 0, 1 or 2, and never with a traceback or a bug."""

from cli.shop import DAYS, Ebbtide
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from recsys_tasks import nightly
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse import Warehouse

from .hostile import anything

# Those that start no server and change little, with what they take.
COMMANDS = {
    "recommend": ("-n", "--schema"),
    "similar": ("-n", "--schema"),
    "why": ("-n", "--json"),
    "export": ("--output",),
    "erase": ("--yes", "--tombstone"),
    "verify": (),
    "experiments": ("--metric",),
    "models": (),
    "doctor": (),
    "load": (),
    "night": ("--preset", "--despite", "--shards"),
    "replay": ("--since", "--until"),
    "backtest": ("--since", "--until", "--preset"),
    "sql": (),
    "access": ("--sql",),
}


@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_command_with_any_arguments(
    ebbtide: Ebbtide, shop: Warehouse, settings: Settings, data: st.DataObject
) -> None:
    if not _has_night(shop):
        nightly.run_night(settings, DAYS[0])
    command = data.draw(st.sampled_from(sorted(COMMANDS)))
    words = st.one_of(anything, st.sampled_from([*COMMANDS[command], "u1", "i01", "--", "0"]))
    arguments = data.draw(st.lists(words.map(_as_typed), max_size=4))
    answer = ebbtide(command, *arguments)
    assert answer.status in (0, 1, 2), answer
    said = answer.out + answer.err
    assert "Traceback" not in said
    assert "(a bug" not in said, said
    if answer.status == 1 and command != "doctor":
        assert answer.err.splitlines()[-1].startswith("ebbtide: "), answer.err


def _has_night(shop: Warehouse) -> bool:
    with shop.transaction() as session:
        return session.value("newest_night") is not None


def _as_typed(word: str) -> str:
    """A file that a command writes is one of the tests' own."""
    return word.replace("/", "_").replace("~", "_")
