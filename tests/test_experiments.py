"""What an A/B test finds: known answers, the bootstrap, and made worlds without a difference."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from recsys_tasks.evaluation.intervals import interval
from recsys_tasks.warehouse import Session, Warehouse

START = date(2024, 3, 1)
OWN, OTHER = 1, 2  # keys of the variant and of the default
N_USERS = 400
MADE = """
insert into models (model_id, kind, state, encoder_id, dim, parameters)
values ('made', 'zero-shot', 'serving', 'e', 1, '{}');
insert into variants (variant) values ('bold'), ('content');
insert into users (user_id) select 'u' || n from generate_series(1, 400) as numbers (n);
"""
NIGHT = """
insert into published_nights (night, model_key, partition_name, n_lists, inputs_fingerprint)
values (%(night)s, 1, 'none', 0, 'none');
insert into night_variants (night, variant_key, is_default, is_served, places, salt, definition)
values (%(night)s, 1, false, true, '{[0,500000)}', '1', %(definition)s),
    (%(night)s, 2, true, true, '{}', '1', '{}');
"""
FOUND = """
select nights, n, n_against, value, against_value, difference, ci_low, ci_high, is_beyond_noise
from experiments
where segment = 'all' and metric = 'ndcg' and k = 10
order by target
"""


class UserDays(NamedTuple):
    """What n lists were worth; shape (n,) each."""

    nights: NDArray[np.int64]
    users: NDArray[np.int64]
    is_own: NDArray[np.bool_]
    values: NDArray[np.float64]


@pytest.fixture
def made(warehouse: Warehouse) -> Warehouse:
    """Users and variants of an experiment that runs since START."""
    with warehouse.transaction() as session:
        session.select(MADE)
        session.select(NIGHT, {"night": START, "definition": "{}"})
    return warehouse


def of(*days: tuple[int, int, bool, float]) -> UserDays:
    nights, users, is_own, values = zip(*days, strict=True)
    return UserDays(np.array(nights), np.array(users), np.array(is_own), np.array(values))


def write(session: Session, days: UserDays, target: str = "new", segment: str = "warm") -> None:
    session.copy_rows(
        "copy_user_days",
        (
            (
                *(START + timedelta(days=night + 1), user, OWN if is_own else OTHER),
                *(target, segment, value, None, None, None, None, None),
            )
            for night, user, is_own, value in zip(*(part.tolist() for part in days), strict=True)
        ),
    )


def pooled(made: Warehouse, worlds: Sequence[UserDays]) -> list[tuple[object, ...]]:
    """What experiments find in some worlds, each under a target of its own."""
    with made.transaction() as session:
        session.select("truncate experiment_user_days, experiment_sums")
        for number, days in enumerate(worlds):
            write(session, days, f"{number:04}")
        session.execute("pool_experiments")
        return session.select(FOUND)


def test_two_users_against_two(made: Warehouse) -> None:
    """R = 1/2 and 0; the variance is (1/4 + 1/4) / 2^2 * 2/(2 - 1) = 1/4."""
    days = of((0, 1, True, 1.0), (0, 2, True, 0.0), (0, 3, False, 0.0), (0, 4, False, 0.0))
    ((*sizes, own, other, gap, low, high, is_beyond_noise),) = pooled(made, [days])

    assert sizes == [1, 2, 2]
    assert (own, other, gap) == (0.5, 0.0, 0.5)
    assert (low, high) == pytest.approx((0.5 - 1.959964 / 2, 0.5 + 1.959964 / 2))
    assert is_beyond_noise is False


def test_one_user_is_no_sample(made: Warehouse) -> None:
    days = of((0, 1, True, 1.0), (0, 3, False, 0.0), (0, 4, False, 0.0))
    ((*_, low, high, is_beyond_noise),) = pooled(made, [days])
    assert (low, high, is_beyond_noise) == (None, None, False)


def test_the_days_of_a_user_are_one_draw(made: Warehouse) -> None:
    """Ten equal days of each user say no more than one: the interval is as wide."""
    once = of((0, 1, True, 1.0), (0, 2, True, 0.2), (0, 3, False, 0.0), (0, 4, False, 0.5))
    ten = UserDays(
        np.repeat(np.arange(10), 4),
        np.tile(once.users, 10),
        np.tile(once.is_own, 10),
        np.tile(once.values, 10),
    )
    one, more = pooled(made, [once, ten])
    assert more[0:3] == (10, 20, 20)
    assert more[3:] == pytest.approx(one[3:])


def test_a_night_counts_alike_in_both_arms(made: Warehouse) -> None:
    """A good night on which the share was large is no merit of the variant (Simpson)."""
    bad = [(0, n, n == 1, 0.0) for n in range(1, 5)]
    good = [(1, n, n != 1, 1.0) for n in range(1, 5)]
    ((_, _, _, own, other, gap, *_),) = pooled(made, [of(*bad, *good)])
    assert (own, other, gap) == (0.5, 0.5, 0.0)


def test_a_night_on_which_one_arm_had_nobody_counts_for_nothing(made: Warehouse) -> None:
    days = [(0, 1, True, 1.0), (0, 2, True, 0.0), (0, 3, False, 0.0), (0, 4, False, 0.0)]
    one, more = pooled(made, [of(*days), of(*days, (1, 5, True, 1.0), (1, 6, True, 1.0))])
    assert one == more


def test_segments_of_users_make_up_all_and_those_of_items_do_not(made: Warehouse) -> None:
    with made.transaction() as session:
        for segment, user in (("cold", 1), ("light", 3), ("warm", 5), ("new_items", 5)):
            write(session, of((0, user, True, 0.5), (0, user + 1, False, 0.0)), segment=segment)
        session.execute("pool_experiments")
        rows = session.select("select segment, n, n_against from experiments order by segment")
    assert rows == [
        ("all", 3, 3),
        *((segment, 1, 1) for segment in ("cold", "light", "new_items", "warm")),
    ]


def world(rng: np.random.Generator, *, n_nights: int = 6, share: float = 0.3) -> UserDays:
    """Users with tastes of their own who come when they like, and no difference between arms."""
    taste, zeal = rng.beta(0.5, 2.0, N_USERS), rng.beta(1.0, 2.0, N_USERS)
    own = rng.random(N_USERS) < share
    nights, users = np.nonzero(rng.random((n_nights, N_USERS)) < zeal)
    hit = rng.random(len(users)) < taste[users] * (0.5 + 0.5 * (nights % 2))
    return UserDays(nights, users + 1, own[users], hit * rng.random(len(users)))


@pytest.mark.parametrize(("n_nights", "apart"), [(1, 1e-6), (6, 0.005)])
def test_the_interval_agrees_with_the_bootstrap_over_users(
    made: Warehouse, n_nights: int, apart: float
) -> None:
    """Which weighs all user-days alike: that is the same where nights are, and near to it else."""
    worlds = [world(np.random.default_rng(seed), n_nights=n_nights) for seed in range(6)]
    rows = pooled(made, worlds)
    for days, (*_, gap, low, high, _) in zip(worlds, rows, strict=True):
        arms = [
            interval(days.values[chosen], days.users[chosen].astype(np.int32), seed=seed)
            for seed, chosen in enumerate((days.is_own, ~days.is_own))
        ]
        half = np.hypot(arms[0].high - arms[0].low, arms[1].high - arms[1].low) / 2
        assert gap == pytest.approx(arms[0].mean - arms[1].mean, abs=apart)
        assert (float(str(high)) - float(str(low))) / 2 == pytest.approx(half, rel=0.1)


def test_intervals_without_a_difference_hold_0_in_95_of_100_worlds(made: Warehouse) -> None:
    """Of 600: a standard error of 0.9%. As if user-days were independent, far fewer would."""
    worlds = [world(np.random.default_rng(seed)) for seed in range(600)]
    rows = pooled(made, worlds)
    covered = np.mean([not row[-1] for row in rows])
    naive = np.mean([holds_0_naively(days) for days in worlds])

    assert 0.925 < covered < 0.975
    assert naive < 0.9


def holds_0_naively(days: UserDays) -> bool:
    arms = [days.values[days.is_own], days.values[~days.is_own]]
    gap = arms[0].mean() - arms[1].mean()
    return bool(abs(gap) < 1.96 * np.sqrt(sum(arm.var() / len(arm) for arm in arms)))


def strangers(
    rng: np.random.Generator, n_nights: int, effect: float, spread: float = 0.3
) -> UserDays:
    """Forty users a night who never come again, half of them in each arm."""
    n = 40 * n_nights
    is_own = np.arange(n) % 2 == 0
    values = rng.normal(0.2, spread, n) + effect * is_own
    return UserDays(np.arange(n) // 40, np.arange(n) + 1, is_own, values)


def test_a_difference_is_seen_in_80_of_100_worlds_after_the_nights_that_it_takes(
    made: Warehouse,
) -> None:
    """2.8016^2 * (0.3^2 / 20 + 0.3^2 / 20) / 0.09^2 = 8.7: nine nights."""
    effect = 0.09
    pooled(made, [strangers(np.random.default_rng(seed), 10, 0.0) for seed in range(40)])
    asked = "select avg(nights)::float8 from nights_to_see(%(effect)s) where variant is not null"
    with made.transaction() as session:
        ((nights,),) = session.select(asked, {"effect": effect})
    assert nights == pytest.approx(9, abs=0.7)

    worlds = [strangers(np.random.default_rng(seed), 9, effect) for seed in range(100, 600)]
    seen = np.mean([row[-1] for row in pooled(made, worlds)])
    assert 0.75 < seen < 0.87


def test_nights_to_see_by_hand(made: Warehouse) -> None:
    """Variance 1/4 in one night: ceil((2.801585 / 0.5)^2 / 4) = 8; four times that for half."""
    pooled(
        made,
        [of((0, 1, True, 1.0), (0, 2, True, 0.0), (0, 3, False, 0.0), (0, 4, False, 0.0))],
    )
    with made.transaction() as session:
        rows = session.select(
            "select variant, against, nights from nights_to_see(0.5)"
            " union all select variant, against, nights from nights_to_see(0.25)"
            " union all select variant, against, nights from nights_to_see(0)"
        )
    assert rows == [("bold", "content", n) for n in (8, 32, None)]


def test_nights_before_there_is_an_experiment(made: Warehouse) -> None:
    """Standard errors of 0.01 a night and half of the users: (280.16)^2 * 0.0001 * 4 = 31.4."""
    with made.transaction() as session:
        session.select(
            "insert into evaluations"
            " select %(start)s::date + n, 'new', 'content', 'all', 'ndcg', 10,"
            " 0.1, 0.1 - 0.01959964, 0.1 + 0.01959964, 50 from generate_series(1, 5) as days (n)",
            {"start": START},
        )
        rows = session.select("select * from nights_to_see(0.01)")
        smaller = session.select("select nights from nights_to_see(0.01, share => 0.1)")
    assert rows == [(None, "content", "new", 32)]
    assert smaller == [(88,)]


def test_an_experiment_begins_anew_when_what_it_compares_changes(made: Warehouse) -> None:
    """Not when a share does; and what was found before stays where it was."""
    days = of(*((0, n, n % 2 == 0, float(n % 3)) for n in range(1, 9)))
    pooled(made, [days])
    since = "select since from running_experiments"
    with made.transaction() as session:
        session.select(NIGHT, {"night": START + timedelta(days=1), "definition": "{}"})
        session.select(
            "update night_variants set places = '{[0,9)}' where night > %(s)s", {"s": START}
        )
        assert session.select(since) == [(START,)]
        later = START + timedelta(days=2)
        session.select(NIGHT, {"night": later, "definition": '{"diversity": 1}'})
        assert session.select(since) == [(later,)]
        session.execute("delete_old_user_days")
        session.execute("pool_experiments")
        assert session.select("select count(*) from experiment_user_days") == [(0,)]
        assert session.select("select distinct since from experiments") == [(START,)]
