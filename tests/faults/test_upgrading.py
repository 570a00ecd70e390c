"""Upgrades: from every version that was released, with rows in its tables, to the one of now."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg2.extensions import make_dsn

from recsys_tasks.warehouse import Warehouse, migrating
from recsys_tasks.warehouse.queries import migrations

from .disturbed import assert_same
from .places import LAST, Place, Stage, database, open_world
from .released import fill
from .tally import Tally

VERSIONS = tuple(migrations())[:-1]
