"""Vectors between numpy and Postgres.

Beside warehouse.copying, what everybody writes first: rows of text by execute_values and by select;
and COPY's text format into real[], for which pgvector is not needed. The floor is COPY of the same
bytes, made before and left alone.
"""

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from psycopg2.extras import execute_values

from benchmarks.measuring import Measure
from recsys_tasks.warehouse import Warehouse, copying
from recsys_tasks.warehouse.session import Session

N_VECTORS = (2_000, 20_000)
DIM = 384
COLUMNS = (copying.INT4, copying.vector(DIM))

CREATE = """
drop table if exists made_vectors, made_reals;
create table made_vectors (number integer, vector vector(384));
create table made_reals (number integer, vector real []);
alter table made_vectors alter column vector set storage plain;
alter table made_reals alter column vector set storage plain;
"""
TRUNCATE = "truncate made_vectors, made_reals"
INSERT = "insert into made_vectors (number, vector) values %s"
SELECT = "select number, vector::text from made_vectors order by number"
BINARY_IN = "copy made_vectors from stdin with (format binary)"
BINARY_OUT = "copy made_vectors to stdout with (format binary)"
TEXT_IN = "copy made_reals from stdin"
TEXT_OUT = "copy made_reals to stdout"
AS_REALS = "insert into made_reals select number, vector::real [] from made_vectors"
AS_VECTORS = "insert into made_vectors select number, vector from made_reals"


class World(NamedTuple):
    """Vectors, numbered, here and in Postgres.

    Attributes:
        warehouse: With the tables of CREATE.
        numbers: Shape (n,).
        vectors: Shape (n, DIM).
    """

    warehouse: Warehouse
    numbers: NDArray[np.int32]
    vectors: NDArray[np.float32]

    def empty(self) -> None:
        """Both tables without rows."""
        with self.warehouse.transaction() as session:
            session.select(TRUNCATE)

    def fill(self) -> None:
        """Both tables with the vectors."""
        self.empty()
        with self.warehouse.transaction() as session:
            copy_in(session, BINARY_IN, copying.encode(COLUMNS, (self.numbers, self.vectors)))
            session.select(AS_REALS)


Columns = tuple[NDArray[np.generic], ...]
Write = Callable[[Session, World], None]
Read = Callable[[Session], Columns]


@pytest.fixture(scope="module", params=N_VECTORS, ids="{} vectors".format)
def world(request: pytest.FixtureRequest, warehouse: Warehouse) -> World:
    n: int = request.param
    with warehouse.transaction() as session:
        session.select(CREATE)
    vectors = np.random.default_rng(0).standard_normal((n, DIM), np.float32)
    return World(warehouse, np.arange(n, dtype=np.int32), vectors)


def copy_in(session: Session, statement: str, stream: bytes) -> None:
    with session.connection.cursor() as cursor:
        cursor.copy_expert(statement, io.BytesIO(stream))


def copy_out(session: Session, statement: str) -> io.BytesIO:
    stream = io.BytesIO()
    with session.connection.cursor() as cursor:
        cursor.copy_expert(statement, stream)
    return stream


def assert_same(world: World, columns: Columns) -> None:
    """Every bit arrived."""
    for found, expected in zip(columns, (world.numbers, world.vectors), strict=True):
        np.testing.assert_array_equal(found, expected)


def write(measure: Measure, world: World, way: str, run: Write) -> None:
    """Time a way of writing, and see that every vector arrived."""

    def timed() -> None:
        with world.warehouse.transaction() as session:
            run(session, world)

    n = len(world.numbers)
    measure(f"write {n:,} vectors", way, n, timed, setup=world.empty)
    with world.warehouse.transaction() as session:
        session.select(AS_VECTORS)  # from where the text went; nothing else goes there
        assert_same(world, read_binary(session))


def read(measure: Measure, world: World, way: str, run: Read) -> Columns:
    """Time a way of reading."""

    def timed() -> Columns:
        with world.warehouse.transaction() as session:
            return run(session)

    world.fill()
    n = len(world.numbers)
    return measure(f"read {n:,} vectors", way, n, timed)


def write_binary(session: Session, world: World) -> None:
    copy_in(session, BINARY_IN, copying.encode(COLUMNS, (world.numbers, world.vectors)))


def read_binary(session: Session) -> Columns:
    return copying.decode(COLUMNS, copy_out(session, BINARY_OUT).getbuffer())


def _texts(vectors: NDArray[np.float32]) -> list[str]:
    """Numbers with commas between them, a text a vector."""
    return [",".join(map(str, vector)) for vector in vectors.tolist()]


def write_rows(session: Session, world: World) -> None:
    texts = _texts(world.vectors)
    rows = [(number, f"[{text}]") for number, text in enumerate(texts)]
    with session.connection.cursor() as cursor:
        execute_values(cursor, INSERT, rows, page_size=1_000)


def read_rows(session: Session) -> Columns:
    numbers, texts = zip(*session.select(SELECT), strict=True)
    vectors = np.array([text[1:-1].split(",") for text in texts], np.float32)
    return np.array(numbers, np.int32), vectors


def write_text(session: Session, world: World) -> None:
    lines = [f"{number}\t{{{text}}}\n" for number, text in enumerate(_texts(world.vectors))]
    copy_in(session, TEXT_IN, "".join(lines).encode())


def read_text(session: Session) -> Columns:
    lines = copy_out(session, TEXT_OUT).getvalue().decode().splitlines()
    numbers, texts = zip(*(line.split("\t") for line in lines), strict=True)
    vectors = np.array([text[1:-1].split(",") for text in texts], np.float32)
    return np.array(numbers, np.int32), vectors


def test_write_binary(measure: Measure, world: World) -> None:
    write(measure, world, "encode, binary COPY", write_binary)


def test_write_rows(measure: Measure, world: World) -> None:
    write(measure, world, "execute_values of text", write_rows)


def test_write_text(measure: Measure, world: World) -> None:
    write(measure, world, "text COPY into real[]", write_text)


def test_write_alone(measure: Measure, world: World) -> None:
    stream = copying.encode(COLUMNS, (world.numbers, world.vectors))

    def run(session: Session, _world: World) -> None:
        copy_in(session, BINARY_IN, stream)

    write(measure, world, "floor: COPY alone", run)


def test_read_binary(measure: Measure, world: World) -> None:
    assert_same(world, read(measure, world, "binary COPY, decode", read_binary))


def test_read_rows(measure: Measure, world: World) -> None:
    assert_same(world, read(measure, world, "select of text", read_rows))


def test_read_text(measure: Measure, world: World) -> None:
    assert_same(world, read(measure, world, "text COPY from real[]", read_text))


def test_read_alone(measure: Measure, world: World) -> None:
    def run(session: Session) -> Columns:
        return (np.frombuffer(copy_out(session, BINARY_OUT).getbuffer(), np.uint8),)

    (stream,) = read(measure, world, "floor: COPY alone", run)

    assert_same(world, copying.decode(COLUMNS, stream.tobytes()))
