import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from strategies import History, histories
from worlds import Deed, catalogue_of, history_of

from recsys_tasks.decay import ENDLESS, FixedAlpha, blend, zero
from recsys_tasks.evaluation import Scorer, replay
from recsys_tasks.evaluation.policies import (
    FixedAlphaScorer,
    PersonalPart,
    best_before,
    fixed_alpha_state_of,
    parameters_of,
    policies,
)
from recsys_tasks.interactions import Catalogue, Interactions
from recsys_tasks.interest_model import ZeroShot, deltas
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.presets import read_preset

PRESET = read_preset("shop")
NIGHT = 40
EXAMPLES = [([0.5, 0.2, 0.3], [0.2, 0.5, 0.3]), ([0.4, 0.3, 0.3], [0.3, 0.4, 0.3])]
alphas = st.sampled_from([0.0, 0.3, 0.5, 0.9, 0.99])


@given(alphas, histories())
def test_the_parallel_form_is_the_fold_of_all_deltas(alpha: float, history: History) -> None:
    users = np.arange(history.n_users, dtype=np.int32)[::-1].copy()
    brought = deltas(history.interactions, history.vectors, ENDLESS)
    start = zero(history.n_users, 1, history.vectors.shape[1], 0)
    folded, _ = FixedAlpha(alpha).fold(start, brought.users.astype(np.intp), brought.added)

    at_once = fixed_alpha_state_of(history.interactions, users, history.vectors, alpha, NIGHT)

    np.testing.assert_allclose(at_once.totals, folded.totals[users], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(at_once.masses, folded.masses[users])
    assert (at_once.days == NIGHT).all()


@given(alphas, histories())
def test_the_parallel_form_is_the_formula_day_by_day(alpha: float, history: History) -> None:
    """u_t = alpha * u_(t-1) + (1 - alpha) * u_new on each day with evidence; u_1 is the first."""
    happened = history.interactions
    users = np.arange(history.n_users, dtype=np.int32)

    found = fixed_alpha_state_of(happened, users, history.vectors, alpha, NIGHT)

    vectors = np.vstack([history.vectors, np.zeros_like(history.vectors[:1])])  # of no row
    for user in users:
        interest = None
        theirs = happened.where(happened.users == user)
        for day in np.unique(theirs.days):
            own = theirs.between(day, day + 1)
            rows = np.concatenate([own.items, own.texts])
            weights = np.concatenate([own.weights, own.text_weights])
            weights = weights * vectors[rows].any(axis=1)
            if weights.any():
                said = weights @ vectors[rows] / np.abs(weights).sum()
                interest = said if interest is None else blend(interest, said, alpha)
        expected = np.zeros(vectors.shape[1]) if interest is None else interest
        np.testing.assert_allclose(found.totals[user, 0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("older", "newer"), EXAMPLES)
def test_the_worked_examples_from_interactions(older: list[float], newer: list[float]) -> None:
    """Two purchases on a day say no more than one, and the days may lie any time apart."""
    vectors = np.array([older, newer], np.float32)
    happened = history_of([Deed(0, 0, 1.2, 5.0), Deed(0, 1, 30.1), Deed(0, 1, 30.9)])

    state = fixed_alpha_state_of(happened, np.array([0], np.int32), vectors, 0.5, NIGHT)

    np.testing.assert_allclose(state.totals[0, 0], [0.35, 0.35, 0.30], rtol=1e-6)
    assert state.totals[0, 0] @ [0.3, 0.4, 0.3] == pytest.approx(0.335)


def world() -> tuple[Interactions, Catalogue]:
    """Two users and four items with texts; one item more has none."""
    vectors = np.eye(5, 4, dtype=np.float32)
    happened = history_of([
        Deed(0, 0, 1.0),
        Deed(1, 1, 2.0),
        Deed(0, 4, 3.0),
        Deed(0, 2, 8.0),
        Deed(1, 0, 9.5, -1.0),
    ])
    return happened, catalogue_of(5, vectors=vectors)


def scores_of(scorer: Scorer) -> NDArray[np.float32]:
    happened, catalogue = world()
    scorer.fit(happened, catalogue, 10)
    return scorer.scores(happened, np.array([0, 1], np.int32), 10)


def test_the_personal_part_and_trends_make_the_whole() -> None:
    """Trends are the same for every user, and all that the part leaves out."""
    _, catalogue = world()
    personal, whole = policies(PRESET, catalogue.vectors)
    wholes = {scorer.name: scorer for scorer in whole.scorers}

    for part in personal.scorers:
        trends = scores_of(wholes[part.name.removesuffix("_personal")]) - scores_of(part)
        np.testing.assert_allclose(trends[0], trends[1], atol=1e-4)
        assert np.ptp(trends[0]) > 1


def test_nothing_but_the_interest_changes_from_policy_to_policy() -> None:
    """Someone with one day behind them has one direction, however it ebbs."""
    happened = history_of([Deed(0, 0, 5.0), Deed(0, 1, 5.0, 0.5), Deed(1, 2, 6.0)])
    _, catalogue = world()
    personal, _ = policies(PRESET, catalogue.vectors)

    found = []
    for scorer in personal.scorers:
        scorer.fit(happened, catalogue, 10)
        scores = scorer.scores(happened, np.array([0], np.int32), 10)[0]
        found.append(scores / np.linalg.norm(scores))

    np.testing.assert_allclose(found, np.tile(found[0], (len(found), 1)), atol=1e-5)


def test_every_policy_has_a_name_and_parameters_in_words() -> None:
    _, catalogue = world()
    personal, whole = policies(PRESET, catalogue.vectors)
    words = {scorer.name: parameters_of(scorer) for scorer in whole.scorers}

    assert len(words) == 1 + 2 * 5 + 9 + 1
    assert words["no_decay"] == "all days alike"
    assert words["fixed_alpha_0.95"] == "alpha 0.95 an active day"
    assert words["fixed_alpha_0.95_strong"] == "alpha 0.95 an active day, without prior mass"
    assert words["half_life_1"] == "1 day"
    assert words["half_life_3.5"] == "3.5 days"
    assert words["several_half_lives"] == "2, 14, 90 days, mixed 0.33, 0.33, 0.33"
    assert {f"{name}_personal" for name in words if not name.endswith("_strong")} == {
        part.name for part in personal.scorers
    }
    for part in personal.scorers:
        assert parameters_of(part) == words[part.name.removesuffix("_personal")]
    assert {scorer.name for scorer in whole.single} < {scorer.name for scorer in whole.fixed}


def test_without_prior_mass_a_fixed_alpha_is_stronger_and_points_the_same_way() -> None:
    """By (1 + m0) / 1: all else, so the order of the personal part too, is equal."""
    _, catalogue = world()
    _, whole = policies(PRESET, catalogue.vectors)
    scorers = {scorer.name: scorer for scorer in whole.scorers}
    weak, strong = scorers["fixed_alpha_0.9"], scorers["fixed_alpha_0.9_strong"]
    assert isinstance(weak, InterestScorer)
    assert isinstance(strong, InterestScorer)

    weak_scores, strong_scores = scores_of(PersonalPart(weak)), scores_of(PersonalPart(strong))

    np.testing.assert_allclose(strong_scores, weak_scores * (1 + PRESET.prior_mass), rtol=1e-5)


def test_others_have_a_personal_part_if_their_model_has_one() -> None:
    _, catalogue = world()
    learned = InterestScorer("interest", ZeroShot.of(PRESET), catalogue.vectors)
    unknown = Fixed("reranked", 0)

    personal, whole = policies(PRESET, catalogue.vectors, [learned, unknown])

    assert [scorer.name for scorer in whole.adaptive[-2:]] == ["interest", "reranked"]
    assert personal.adaptive[-1].name == "interest_personal"
    assert parameters_of(unknown) == ""


class Fixed:
    """Lists one item first, for everyone."""

    def __init__(self, name: str, item: int) -> None:
        """The name, and the item."""
        self.name, self.item = name, item

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Only what precedes the day is shown."""
        assert (past.times < day).all()
        self.n_items = len(catalogue)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """1 for the item, else less, by row."""
        assert (past.times < day).all()
        row = -np.arange(self.n_items, dtype=np.float32)
        row[self.item] = 1
        return np.tile(row, (len(users), 1))


def test_the_best_before_a_day_is_chosen_by_what_happened_before_it() -> None:
    """Everybody takes to item 2 until the day, and to item 3 from then on."""
    happened = history_of([Deed(day, 2 if day < 20 else 3, float(day)) for day in range(30)])
    scorers = [Fixed(f"item_{item}", item) for item in range(4)]

    assert best_before(scorers, happened.before(20), catalogue_of(4), 20) == "item_2"
    assert best_before(scorers, happened.before(0), catalogue_of(4), 0) == "item_0"


def test_a_replay_asks_a_fixed_alpha_for_what_precedes_the_day() -> None:
    """User 0 turned from item 0's kind to item 1's: on the last day alone, so are the lists."""
    vectors = np.array([[1, 0], [0, 1], [0.9, 0.1], [0.1, 0.9]], np.float32)
    old = [Deed(0, 0, float(day)) for day in range(9)]
    happened = history_of([*old, Deed(0, 1, 9.0), Deed(0, 3, 10.0)])
    model = ZeroShot.of(PRESET)._replace(half_lives=ENDLESS, scales=(1.0,))
    scorers = [
        PersonalPart(FixedAlphaScorer(str(alpha), model, vectors, alpha)) for alpha in (0.0, 0.99)
    ]

    met = replay(happened, catalogue_of(4, vectors=vectors), 1, scorers, 10, 11, ks=(1,))

    assert met.lists["new", "0.0_personal"].ranked.tolist() == [[3]]
    assert met.lists["new", "0.99_personal"].ranked.tolist() == [[2]]
