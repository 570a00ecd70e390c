"""A disk that is full: the server cannot make its files longer, wherever in a night that is."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg2.extensions import make_dsn

from recsys_tasks import nightly
from recsys_tasks.errors import DatabaseFull

from .contents import shown_by, snapshot
from .disturbed import assert_same
from .places import LAST, Place, Stage, administer, database
from .servers import Server
from .tally import Tally

SIZE = 64 * 1024 * 1024
# What is left on the disk when the night begins, of what the night takes.
LEFT = tuple(share / 40 for share in range(40))


@pytest.fixture
def disk(own_server: Server, tmp_path: Path) -> Iterator[Path]:
    """A disk of the test's own that the server can write to."""
    folder = Path(own_server.home).parent / tmp_path.name
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("this user may not mount a disk of 64 MiB to fill")
    if own_server.user:
        shutil.chown(folder, own_server.user)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_ends_the_night_with_an_error_and_room_mends_it(
    disk: Path,
    server: str,
    world: Place,
    stages: dict[str, Stage],
    some: Callable[[Sequence[float], int], Sequence[float]],
    tally: Tally,
) -> None:
    administer(server, f"create tablespace full_disk location '{disk}'")
    with on_disk(server, world) as place:
        free = free_on(disk)
        place.run_night()
        taken = free - free_on(disk)
    for left in some(LEFT, 2):
        with tally.injection("disk full, in truth"), on_disk(server, world) as place:
            fill_up_and_make_room(disk, place, stages, int(left * taken))
    administer(server, "checkpoint", "drop tablespace full_disk")


@contextmanager
def on_disk(server: str, world: Place) -> Iterator[Place]:
    """A copy of the world that lies on the disk."""
    with database(server, f'{world.name}" tablespace "full_disk') as name:
        settings = world.settings.model_copy(update={"dsn": make_dsn(server, dbname=name)})
        yield Place(server, name, settings)


def fill_up_and_make_room(disk: Path, place: Place, stages: dict[str, Stage], left: int) -> None:
    shown, filler = {shown_by(place.dsn)}, disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free_on(disk) - left)
    with pytest.raises(DatabaseFull, match="Make room on it"):
        place.run_night()
    shown.add(shown_by(place.dsn))
    assert shown <= {stages["publish"].before.shown, stages["publish"].after.shown}
    filler.unlink()
    place.run_night()
    assert_same(place.state(), stages[nightly.STEPS[-1]].after)
    assert ledger_of(place) == {"done"}


def free_on(disk: Path) -> int:
    return shutil.disk_usage(disk).free


def ledger_of(place: Place) -> set[object]:
    with snapshot(place.dsn) as cursor:
        cursor.execute("select state from recsys.nights where day = %s", (LAST,))
        return {state for (state,) in cursor.fetchall()}
