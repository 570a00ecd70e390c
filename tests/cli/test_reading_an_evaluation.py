"""The SQL of docs/reading-an-evaluation.md, on a tenant with some nights."""

import re
from pathlib import Path

import pytest

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide

GUIDE = Path(__file__).parents[2] / "docs" / "reading-an-evaluation.md"
STATEMENTS = re.findall(r"^```sql\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def nights(ebbtide: Ebbtide, shop: Warehouse) -> Warehouse:
    """Four nights whose lists met a day, and one more."""
    for day in DAYS:
        assert ebbtide("night", day).status == 0
    return shop


def test_every_statement_of_the_guide_finds_something(ebbtide: Ebbtide, nights: Warehouse) -> None:
    del nights
    answers = [ebbtide("sql", statement.replace("'380'", "'u1'")) for statement in STATEMENTS]

    assert len(answers) == 6
    assert [(answer.status, answer.err) for answer in answers] == [(0, "")] * len(answers)
    assert min(len(answer.out.splitlines()) for answer in answers) > 1


def test_the_mean_over_nights_is_one_over_user_days(ebbtide: Ebbtide, nights: Warehouse) -> None:
    """As the guide says of the nights in one figure."""
    with nights.transaction() as session:
        rows = session.select(
            "select value, n from recsys.evaluations where variant = 'content' and k = 10"
            " and target = 'new' and segment = 'all' and metric = 'ndcg'"
        )
    answer = ebbtide("sql", STATEMENTS[1])

    line = next(line for line in answer.out.splitlines() if line.startswith("content "))
    n = sum(row[1] for row in rows)
    mean = sum(row[0] * row[1] for row in rows) / n
    assert line.split()[1:] == [f"{mean:.4f}", str(n), str(len(rows))]
