"""The commands `ebbtide sealed`: two parties, one night, and the scores that SQL gives."""

from pathlib import Path

import pytest

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line

PLAIN = """
select item_id, -(vector <#> (
    select sum(vector)::halfvec from user_interests where user_id = 'u1' and night = (
        select max(night) from user_interests where user_id = 'u1'
    )
)) as score
from item_vectors
order by score desc, item_id collate "C"
limit 5
"""


@pytest.mark.usefixtures("shop")
def test_a_partner_scores_its_items_for_a_user_whom_it_never_sees(
    ebbtide: Ebbtide, warehouse: Warehouse, tmp_path: Path
) -> None:
    """The partner here has the same catalogue, so that SQL knows the right answer."""
    keys, interest, items, scores = (tmp_path / name for name in ("keys", "u1", "items", "scores"))
    for day in DAYS[:2]:
        assert ebbtide("night", day).status == 0
    steps = (
        ("keys", keys),
        ("interest", "u1", "--key", keys / "public.key", "--output", interest),
        ("items", "--output", items),
        ("score", interest, items, "--key", keys / "public.key", "--output", scores),
    )
    for step in steps:
        answer = ebbtide("sealed", *step)
        assert answer.status == 0, answer.err
    opened = ebbtide("sealed", "open", scores, "--key", keys / "secret.key", "-n", 5).out

    with warehouse.transaction() as session:
        plain = session.select(PLAIN)
    rows = [line.split() for line in opened.splitlines()[1:]]
    found = {item: float(score) for _, item, score in rows}
    assert len(found) == 5
    # Two items may tie, and halfvec rounds.
    for (_, expected), score in zip(plain, sorted(found.values(), reverse=True), strict=True):
        assert score == pytest.approx(expected, abs=2e-3)


@pytest.mark.usefixtures("shop")
def test_who_is_not_known_has_nothing_to_seal(ebbtide: Ebbtide, tmp_path: Path) -> None:
    assert ebbtide("sealed", "keys", tmp_path).status == 0
    assert ebbtide("night", DAYS[0]).status == 0

    key = ("--key", tmp_path / "public.key")
    answer = ebbtide("sealed", "interest", "nobody", *key, "--output", tmp_path / "x")

    assert answer.status == 1
    assert_one_line(answer.err)
    assert "has no interest yet" in answer.err
