"""What a language model's reranking is worth to users with few events, and what it costs.

    python benchmarks/language.py FOLDER MODEL [--preset shop] [--events 4] [--sample 200]

Two fifths of the interactions are replayed by the protocol, target `new`: the fourth, on which the
weight is chosen, and the last, which it is judged on. Of the user-days on which the user had done
something, but at most EVENTS things, SAMPLE of each window are drawn with a seed. Their first
CANDIDATES entries are ordered anew by the zero-shot model's score and, at each of several weights,
by what MODEL says of the titles: how much likelier the user's last titles make each (lift), and how
likely each is after them (likelihood). Differences are paired, intervals bootstrapped over users.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Annotated, NamedTuple

import numpy as np
import structlog
import typer
from numpy.typing import NDArray

from benchmarks.folders import taken_folder
from recsys_tasks.evaluation import last_fifth, replay
from recsys_tasks.evaluation.intervals import intervals
from recsys_tasks.evaluation.judging import part_of
from recsys_tasks.evaluation.measuring import values
from recsys_tasks.evaluation.user_days import user_days
from recsys_tasks.interactions import NO_ROW, Catalogue, Interactions
from recsys_tasks.interest_model import ZeroShot
from recsys_tasks.interest_scorer import InterestScorer
from recsys_tasks.language import LanguageModel, mixed_order, prompt_of
from recsys_tasks.settings import preset_of
from recsys_tasks.warehouse.history import History

WEIGHTS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
KINDS = ("lift", "likelihood")
PROMPTED = 10  # last titles of a user in a prompt
BASE = "content"

UserDay = tuple[int, int]


class Said(NamedTuple):
    """The first entries of a user's list on a day, and what was said of their titles."""

    rows: NDArray[np.intp]
    lift: NDArray[np.float32]
    likelihood: NDArray[np.float32]


@dataclass
class Speaker:
    """Asks about the user-days that were drawn, once each, and counts what that took."""

    model: LanguageModel
    titles: list[str]
    n_candidates: int
    drawn: frozenset[UserDay] = frozenset()
    said: dict[UserDay, Said] = field(default_factory=dict)
    seconds: float = 0.0

    def ask(self, user: int, day: int, past: Interactions, scores: NDArray[np.float32]) -> Said:
        """What is said of the best items that the user never touched."""
        if (user, day) not in self.said:
            theirs = past.where((past.users == user) & (past.items != NO_ROW))
            untouched = scores.copy()
            untouched[theirs.items] = -np.inf
            rows = np.argsort(-untouched, kind="stable")[: self.n_candidates]
            liked = [self.titles[row] for row in theirs.items[theirs.weights > 0].tolist()]
            prompt, named = (
                prompt_of(liked[-PROMPTED:]),
                [self.titles[row] for row in rows.tolist()],
            )
            begun = process_time()
            lift = self.model.lifts(prompt, named)
            self.seconds += process_time() - begun
            self.said[user, day] = Said(rows, lift, lift + self.model.unprompted(named))
        return self.said[user, day]


@dataclass
class Base:
    """The zero-shot model, asked once for a batch of users, whoever wants its scores."""

    scorer: InterestScorer
    name: str = BASE
    _catalogue: Catalogue = field(init=False, repr=False)
    _last: tuple[int, NDArray[np.int32], NDArray[np.float32]] | None = None

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """As the model does."""
        self._catalogue = catalogue
        self.scorer.fit(past, catalogue, day)

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The model's, without items that do not exist yet; shape (n, n_items)."""
        if self._last is None or self._last[0] != day or self._last[1] is not users:
            found = self.scorer.scores(past, users, day)
            found[:, self._catalogue.since > day] = -np.inf
            self._last = (day, users, found)
        return self._last[2].copy()


@dataclass
class Mixed:
    """The zero-shot model's lists, their first entries in the mixed order."""

    base: Base
    speaker: Speaker
    kind: str
    weight: float

    @property
    def name(self) -> str:
        """With the weight."""
        return f"{self.kind} {self.weight:g}"

    def fit(self, past: Interactions, catalogue: Catalogue, day: int) -> None:
        """Nothing is learned."""

    def scores(self, past: Interactions, users: NDArray[np.int32], day: int) -> NDArray[np.float32]:
        """The base's, those of the first entries handed round among them; shape (n, n_items)."""
        scores = self.base.scores(past, users, day)
        for place, user in enumerate(users.tolist()):
            if (user, day) in self.speaker.drawn:
                said = self.speaker.ask(user, day, past, scores[place])
                theirs = scores[place, said.rows]
                order = mixed_order(theirs, getattr(said, self.kind), self.weight)
                scores[place, said.rows[order]] = theirs
        return scores


def main(
    folder: Path,
    model: str,
    preset: str = "shop",
    events: Annotated[int, typer.Option(help="A user did at most so much before.")] = 4,
    sample: Annotated[int, typer.Option(help="User-days of each window.")] = 200,
    candidates: int = 20,
    price: Annotated[float, typer.Option(help="Of an hour of one core, in dollars.")] = 0.05,
) -> None:
    """Choose a weight, judge it, and print both."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    history, titles, zero_shot = _read(folder, preset)
    speaker = Speaker(LanguageModel(model, "cpu"), titles, candidates)
    since, until = last_fifth(history.interactions)
    before, _ = last_fifth(history.interactions.before(since))
    chosen: list[str] = []
    for called, window in (("chosen on", (before, since)), ("judged on", (since, until))):
        speaker.drawn, n = _drawn(history, *window, events, sample)
        typer.echo(f"{called}: {len(speaker.drawn)} of {n} user-days with 1 to {events} events")
        chosen = list(_tell(history, zero_shot, speaker, window, chosen))
    each = speaker.seconds / max(len(speaker.said), 1)
    typer.echo(
        f"{each:.2f} s of processor time a user; a thousand users {1000 * each / 3600:.2f} h,"
        f" {1000 * each / 3600 * price:.3f} dollars at {price:g} an hour"
    )


def _read(folder: Path, preset: str) -> tuple[History, list[str], ZeroShot]:
    """The history, the title of each item of the catalogue, and the model."""
    with (
        taken_folder(folder, preset) as (warehouse, settings, history),
        warehouse.transaction() as session,
    ):
        found: dict[int, str] = dict(session.select("select item_key, title from items"))
    titles = [found.get(key) or "" for key in history.item_keys.tolist()]
    return history, titles, ZeroShot.of(preset_of(settings))


def _drawn(
    history: History, since: int, until: int, events: int, sample: int
) -> tuple[frozenset[UserDay], int]:
    """User-days of a window whose users had done something, but little; and out of how many."""
    everyone = user_days(
        history.interactions, history.catalogue, len(history.user_keys), since, until
    )
    meets = np.zeros(len(everyone), np.bool_)
    meets[everyone.rows[everyone.relevant("new")]] = True
    rows = np.flatnonzero(meets & (everyone.history >= 1) & (everyone.history <= events))
    some = np.random.default_rng(0).permutation(rows)[:sample]
    pairs = zip(everyone.users[some].tolist(), everyone.days[some].tolist(), strict=True)
    return frozenset(pairs), len(rows)


def _tell(
    history: History,
    zero_shot: ZeroShot,
    speaker: Speaker,
    window: tuple[int, int],
    chosen: list[str],
) -> Iterator[str]:
    """Print what each weight gives; yield the best of each kind, judged before all others."""
    base = Base(InterestScorer(BASE, zero_shot, history.vectors))
    mixed = [Mixed(base, speaker, kind, weight) for kind in KINDS for weight in WEIGHTS]
    met = replay(
        history.interactions,
        history.catalogue,
        len(history.user_keys),
        [base, *mixed],
        *window,
        ks=(10,),
        targets=("new",),
    )
    measured = {
        name: values(met, "new", name, metrics=["ndcg"])["ndcg", 10] for name in met.variants
    }
    judged = met.user_days.take(part_of(met, "new", "all").rows)
    days = zip(judged.users.tolist(), judged.days.tolist(), strict=True)
    rows = [row for row, day in enumerate(days) if day in speaker.drawn]
    users = judged.users[rows]
    typer.echo(f"{BASE}: {measured[BASE][rows].mean():.4f}")
    gaps = {name: measured[name][rows] - measured[BASE][rows] for name in met.variants[1:]}
    found = dict(zip(gaps, intervals(list(gaps.values()), users), strict=True))
    for name, gap in found.items():
        mark = " <- chosen before" if name in chosen else ""
        typer.echo(f"{name}: {gap.mean:+.4f} ({gap.low:+.4f} to {gap.high:+.4f}){mark}")
    for kind in KINDS:
        yield max((name for name in found if name.startswith(kind)), key=lambda n: found[n].mean)


if __name__ == "__main__":
    typer.run(main)
