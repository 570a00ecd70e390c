"""What a fit learns, on worlds whose answer is known; and that it can be killed and repeated."""

from collections.abc import Iterable
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from tastes import DIM, OPTIONS, ZERO_SHOT, Act, Tastes, data_of, texts_of, without_texts

from recsys_tasks.evaluation.baselines import popularity_baselines
from recsys_tasks.interactions import NO_ROW
from recsys_tasks.interest_model import Learned
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.training import Fitting, TrainingData, TrainingOptions
from recsys_tasks.training.choosing import Trial

UNTIL = 25
LAST = 30


def last_of(models: Iterable[Learned]) -> Learned:
    """The model after the last pass."""
    return list(models)[-1]


def fitted(data: TrainingData, options: TrainingOptions = OPTIONS, until: int = UNTIL) -> Learned:
    return last_of(Fitting(data, until, options).passes(options.max_passes))


def ndcg_of(data: TrainingData, model: Learned) -> float:
    """On the days that were not learned from."""
    trial = Trial(data.interactions, data.catalogue, UNTIL, LAST)
    return trial.ndcg([InterestScorer("interest", model, data.vectors)])["interest"]


def best_popularity(data: TrainingData) -> float:
    trial = Trial(data.interactions, data.catalogue, UNTIL, LAST)
    return max(trial.ndcg(popularity_baselines()).values())


def assert_same(model: Learned, other: Learned) -> None:
    """In every bit."""
    for field in fields(Learned):
        np.testing.assert_array_equal(getattr(model, field.name), getattr(other, field.name))


def test_half_lives_are_learned() -> None:
    """They shrink where tastes turn over every four days, and grow where they stay, with noise."""
    start = ZERO_SHOT._replace(half_lives=(5.0,), scales=(1.0,))
    options = replace(OPTIONS, learning_rate=0.03, dropout=0.0)
    turning = fitted(
        Tastes(n_items=400, n_groups=6, period=4, share=1.0).data(zero_shot=start), options
    )
    steady = fitted(Tastes(80, n_items=400, n_groups=6, share=0.4).data(zero_shot=start), options)

    assert turning.half_lives[0] < 3
    assert steady.half_lives[0] > 5


def test_event_weights_are_learned() -> None:
    """Of two types alike by preset, the one that tells the taste ends with the larger gain."""
    rng = np.random.default_rng(3)
    world = Tastes(share=1.0)
    noise = [
        Act(user, int(rng.integers(world.n_items)), day + 0.25, kind=2)
        for day in range(world.n_days)
        for user in range(world.n_users)
    ]
    model = fitted(data_of([*world.acts(), *noise], texts_of(world.groups)))

    assert model.type_keys.tolist() == [1, 2]
    assert model.type_gains[0, 0] > 1.1 * model.type_gains[1, 0]


def test_ids_tell_tastes_without_any_text() -> None:
    data = Tastes().data(has_text=False)

    assert ndcg_of(data, fitted(data)) > 2 * best_popularity(data)


def test_texts_tell_tastes_where_every_item_is_new() -> None:
    """All items are of this week; nothing that was learned of an item serves again."""
    world = Tastes(n_items=200, n_groups=4)
    weeks = np.arange(world.n_items) // 40
    rng = np.random.default_rng(5)
    acts = [
        Act(
            user,
            int(rng.choice(np.flatnonzero((weeks == day // 6) & (world.groups == user % 4)))),
            day + 0.5,
        )
        for day in range(LAST)
        for user in range(world.n_users)
    ]
    data = data_of(acts, texts_of(world.groups), since=weeks * 6)

    assert ndcg_of(data, fitted(data)) > 1.5 * best_popularity(data)


def test_what_users_write_tells_tastes() -> None:
    """Each day a user asks for any group, and takes to an item of it on the next day."""
    rng = np.random.default_rng(6)
    n_items, acts = 120, []
    groups = np.arange(n_items) % DIM
    for day in range(LAST):
        for user in range(40):
            wish = int(rng.integers(DIM))
            item = int(rng.choice(np.flatnonzero(groups == wish)))
            acts += [Act(user, NO_ROW, day - 0.5, text=wish, kind=2), Act(user, item, day + 0.25)]
    acts = [act for act in acts if act.time >= 0]
    data = data_of(acts, texts_of(groups), texts=texts_of(np.arange(DIM), noise=0.0))
    deaf = without_texts(data)

    assert ndcg_of(data, fitted(data)) > 1.5 * ndcg_of(deaf, fitted(deaf))


def test_dislikes_predict_what_is_avoided() -> None:
    """Each day a user dislikes an item; the next day takes to one of any other group, or of any."""
    avoiding, random = (_disliking(keeps_away=keeps_away) for keeps_away in (True, False))
    model, other = fitted(avoiding), fitted(random)
    scorer = InterestScorer("interest", model, avoiding.vectors)
    past = avoiding.interactions.before(UNTIL)
    scorer.fit(past, avoiding.catalogue, UNTIL)
    users = np.arange(40, dtype=np.int32)
    scores = scorer.scores(past, users, UNTIL)
    groups = np.arange(120) % DIM
    disliked = [groups[past.items[(past.users == user) & (past.weights < 0)][-1]] for user in users]
    by_group = np.stack([scores[:, groups == group].mean(axis=1) for group in range(DIM)], axis=1)

    own = by_group[users, disliked]
    assert (own[:, None] <= by_group).sum(axis=1).mean() > DIM - 2
    assert model.type_gains[1, 1] > other.type_gains[1, 1]


def _disliking(*, keeps_away: bool) -> TrainingData:
    rng = np.random.default_rng(7)
    groups = np.arange(120) % DIM
    acts = []
    for day in range(LAST):
        for user in range(40):
            hated = int(rng.integers(120))
            likeable = (groups != groups[hated]) if keeps_away else groups >= 0
            liked = int(rng.choice(np.flatnonzero(likeable)))
            acts += [
                Act(user, hated, day + 0.75, weight=-1.0, kind=2),
                Act(user, liked, day + 1.25),
            ]
    return data_of(acts, texts_of(groups))


def test_equal_seeds_give_equal_bits() -> None:
    data = Tastes(n_users=15, n_days=UNTIL).data()

    assert_same(fitted(data), fitted(data))
    assert (fitted(data).in_ids != fitted(data, replace(OPTIONS, seed=1)).in_ids).any()


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_killed_fit_goes_on_to_the_same_bits(tmp_path: Path, killed_after: int) -> None:
    """Each pass is yielded again, so that the best of all can be chosen again."""
    data = Tastes(n_users=15, n_days=UNTIL).data()
    undisturbed = list(Fitting(data, UNTIL, OPTIONS).passes(3))
    options = replace(OPTIONS, checkpoint=tmp_path / "folder" / "fit.of-a-day")
    list(islice(Fitting(data, UNTIL, options).passes(3), killed_after))
    other_fit = Fitting(data, UNTIL - 5, options)
    list(other_fit.passes(1))  # it shares the file

    resumed = Fitting(data, UNTIL, options)
    n_steps = _count_passes(resumed)
    for model, expected in zip(resumed.passes(3), undisturbed, strict=True):
        assert_same(model, expected)
    assert len(n_steps) == 3 - killed_after


def _count_passes(fitting: Fitting) -> list[int]:
    """The numbers of the passes that are really gone through, as they are."""
    numbers: list[int] = []
    original = fitting._pass

    def counted(number: int) -> None:
        numbers.append(number)
        original(number)

    fitting._pass = counted  # type: ignore[method-assign]
    return numbers


def test_a_checkpoint_of_other_data_or_options_is_not_resumed(tmp_path: Path) -> None:
    options = replace(OPTIONS, checkpoint=tmp_path / "fit")
    data = Tastes(n_users=15, n_days=UNTIL).data()
    fitted(data, options)
    happened = data.interactions
    weights = happened.weights.copy()
    weights[3] = 2
    others = (
        Fitting(replace(data, interactions=replace(happened, weights=weights)), UNTIL, options),
        Fitting(replace(data, zero_shot=ZERO_SHOT._replace(half_lives=(2.0,))), UNTIL, options),
        Fitting(data, UNTIL - 1, options),
        Fitting(data, UNTIL, replace(options, dropout=0.2)),
    )

    for other in others:
        numbers = _count_passes(other)
        list(other.passes(1))
        assert numbers == [0]
    again = Fitting(data, UNTIL, options)
    numbers = _count_passes(again)
    list(again.passes(3))
    assert numbers == []


def test_what_happens_later_changes_no_bit() -> None:
    data = Tastes(n_users=15, n_days=LAST).data()
    happened = data.interactions
    is_later = happened.times >= UNTIL
    items = np.where(is_later, 0, happened.items).astype(np.int32)
    types = np.where(is_later, 9, happened.types).astype(np.int16)
    changed = replace(data, interactions=replace(happened, items=items, types=types))

    assert_same(fitted(data), fitted(changed))


def test_histories_are_bounded() -> None:
    """The latest vectors of a user are read, and no more than the option says."""
    data = Tastes(n_users=3).data()
    whole = Fitting(data, LAST, OPTIONS)._read
    short = Fitting(data, LAST, replace(OPTIONS, most_history=4))._read

    assert (whole.ends - whole.begins).max() > 20
    np.testing.assert_array_equal(short.ends, whole.ends)
    np.testing.assert_array_equal(
        short.ends - short.begins, np.minimum(whole.ends - whole.begins, 4)
    )


def test_facts_of_days_are_kept_only_while_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Tastes(n_users=15, n_days=UNTIL).data()
    roomy = fitted(data)
    fitting = Fitting(data, UNTIL, OPTIONS)
    n_features = fitting._network.shape.n_features
    monkeypatch.setattr("recsys_tasks.training.fitting.MOST_FACTS", 2 * n_features * 120)
    cramped = last_of(fitting.passes(OPTIONS.max_passes))

    assert len(fitting._facts) == 2
    np.testing.assert_allclose(cramped.p_out, roomy.p_out, atol=1e-4)


def test_nothing_to_learn_from_is_no_failure() -> None:
    """Without a past there is no pass, and the model of the start."""
    fitting = Fitting(data_of([Act(0, 0, 0.5)], texts_of(np.arange(3))), 0, OPTIONS)

    assert [*fitting.passes(2)] == []
    assert fitting.model().half_lives == pytest.approx(ZERO_SHOT.half_lives)


def test_a_single_user_day_is_learned_from() -> None:
    fitting = Fitting(data_of([Act(0, 0, 0.5)], texts_of(np.arange(3))), 1, OPTIONS)
    (model,) = fitting.passes(1)

    assert fitting.n_examples == 1
    assert all(np.isfinite(getattr(model, field.name)).all() for field in fields(Learned))


def test_a_model_stays_as_it_was_while_training_goes_on() -> None:
    passes = Fitting(Tastes(n_users=15).data(), UNTIL, OPTIONS).passes(2)
    first = next(passes)
    kept = replace(first, in_ids=first.in_ids.copy(), tau=first.tau.copy())
    next(passes)

    assert_same(first, kept)
