"""Live queries over item_vectors: what an approximate index finds, and how long both take.

    python benchmarks/live_queries.py --items 20000 --items 100000 \
        --titles ../shared/data/online-retail

fills item_vectors of the embedded server (or an empty database, `--dsn`) with so many items, and
asks for the ten that are nearest to a user's interest, through the index and exactly, for several
settings and filters. Vectors are of real titles; more of them than there are titles are made as
others of the same topic would lie: title + difference of two titles of the topic.

A filter by chance (as availability) lets through a share of all items; one by topic (as category)
lets through the items of topics with that share, and what is asked for is near to another topic as
often as not. Recall is the share of the ten whose score is no worse than the exact tenth's.
"""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated, Final, NamedTuple

import numpy as np
import pandas as pd
import psutil
import psycopg2
import typer
from numpy.typing import NDArray
from psycopg2.extensions import make_dsn
from rich.console import Console
from rich.table import Table
from sklearn.cluster import KMeans

from recsys_tasks.encoder import DEFAULT_ENCODER, load_encoder
from recsys_tasks.settings import read_settings
from recsys_tasks.warehouse import Session, Warehouse, connect, copying, embedded

CONSOLE: Final = Console()
DATABASE: Final = "live_queries"
N_TOPICS: Final = 100
K: Final = 10
SHARES: Final = (1.0, 0.5, 0.1, 0.01)
SETTINGS: Final = (
    ("off", 40, 20_000),
    ("off", 200, 20_000),
    ("relaxed_order", 40, 20_000),
    ("relaxed_order", 100, 20_000),
    ("relaxed_order", 200, 20_000),
    ("strict_order", 200, 20_000),
    ("relaxed_order", 400, 20_000),
    ("relaxed_order", 400, 100_000),
)
ITEMS = """
insert into items (item_id, is_listed, source_hash, is_available)
select 'i' || lpad(n::text, 8, '0'), true, n, true
from generate_series(1, %(n)s) as n;
"""
# The path that is left to the planner: the index, or exact.
ASK = """
select item_key, -(vector <#> %(user)s::halfvec) as score
from item_vectors
where {where}
order by vector <#> %(user)s::halfvec
limit 10
"""
EXACT = "set local enable_indexscan = off"
BY_INDEX = (
    "set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off"
)
