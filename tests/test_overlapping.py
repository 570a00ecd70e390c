"""Part after part read, computed and written: in an order that parts alone decide."""

import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_tasks.warehouse.overlapping import overlap

Done = list[tuple[str, int]]


def overlapped(n: int) -> Done:
    """What is done to n parts, in its order."""
    done: Done = []

    def read(part: int) -> int:
        done.append(("read", part))
        return part

    overlap(range(n), read, abs, lambda part: done.append(("write", part)))
    return done


@given(st.integers(0, 12))
def test_each_part_is_read_before_the_one_before_it_is_written(n: int) -> None:
    reads = [("read", part) for part in range(n)]
    writes = [("write", part) for part in range(n)]
    expected = reads[:1]
    for read, write in zip([*reads[1:], None], writes, strict=False):
        expected += [read, write] if read else [write]
    assert overlapped(n) == expected


@pytest.mark.parametrize("beside", ["read", "write"])
def test_a_part_is_read_and_another_written_while_one_is_computed(beside: str) -> None:
    """Who does not work at once waits here in vain."""
    both = threading.Barrier(2, timeout=20)
    # What the thread does meanwhile: it reads 1 and writes nothing yet, or writes 0.
    computed, other = (0, 1) if beside == "read" else (1, 0)

    def meet(part: int, awaited: int, *, is_met: bool = True) -> int:
        if is_met and part == awaited:
            both.wait()
        return part

    def write(part: int) -> None:
        meet(part, other, is_met=beside == "write")

    overlap(
        [0, 1],
        lambda part: meet(part, other, is_met=beside == "read"),
        lambda part: meet(part, computed),
        write,
    )
    assert both.n_waiting == 0


@pytest.mark.parametrize("failing", ["read", "compute", "write"])
@pytest.mark.parametrize("part", [0, 1, 3])
def test_the_first_error_is_told_and_nothing_is_written_after_it(failing: str, part: int) -> None:
    done: Done = []

    def do(what: str, number: int) -> int:
        if (what, number) == (failing, part):
            raise ArithmeticError(f"{what} {number}")  # noqa: EM102  as short as can be
        done.append((what, number))
        return number

    def write(number: int) -> None:
        do("write", number)

    with pytest.raises(ArithmeticError, match=f"{failing} {part}"):
        overlap(range(4), partial(do, "read"), partial(do, "compute"), write)
    assert [number for what, number in done if what == "write"] == list(range(part))


def test_it_waits_for_the_thread_before_it_tells() -> None:
    """A connection is not given back while a statement is on its way."""
    is_reading, may_end = threading.Event(), threading.Event()
    ended = []

    def read(part: int) -> int:
        if part == 1:
            is_reading.set()
            may_end.wait(20)
            ended.append(part)
        return part

    def compute(part: int) -> int:
        is_reading.wait(20)
        may_end.set()
        raise ArithmeticError(part)

    with pytest.raises(ArithmeticError):
        overlap(range(3), read, compute, print)
    assert ended == [1]
