"""What a made world takes from a real one: fitted to a folder in the source contract.

    python benchmarks/world.py --calibrate FOLDER

Long tails are lognormal, because a tail of that shape stays what it is in a catalogue of another
size: of weights of spread s, the best tenth holds Phi(s - z) of all, with z = Phi^-1(0.9). So the
share that the best tenth really holds gives s.

How popularity drifts is read off counts a week. Were items' rates constant, counts of weeks one
apart would go together as those half of the data apart do. What they do beyond that, M(lag), is
exp(wander^2 * 2^(-lag / half_life)) where the logarithm of a rate wanders about its mean. What is
left of a deviation after half of the data counts as popularity, so both come out somewhat low.
"""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

TEXTS = ("item_id", "user_id", "event_id", "title", "description", "category")
TENTH = 0.1
LAGS = (1, 2, 3, 4, 6, 8, 12)  # weeks
FAVOURITES = 3  # categories that a user keeps to


class Statistics(NamedTuple):
    """The constants of a world.

    Attributes:
        item_spread: Of the logarithms of items' popularities.
        user_spread: Of the logarithms of the rates at which users come.
        visit: Interactions of a user on an active day, mean.
        visit_spread: Of their logarithms.
        repeats: Share of interactions with an item that the user had on a day before.
        wander: Standard deviation of the logarithm of an item's popularity about its mean.
        wander_half_life: Days until half of such a deviation is gone.
        births: New items a day, as a share of the catalogue.
        returns: Share of interactions that are of type return.
        hour: Of the day, mean.
        hour_spread: Its standard deviation.
        value: Mean of the logarithms of the values.
        value_spread: Their standard deviation.
        words: In an item's text.
        loyalty: Share of interactions that keep to the user's FAVOURITES categories.
    """

    item_spread: float
    user_spread: float
    visit: float
    visit_spread: float
    repeats: float
    wander: float
    wander_half_life: float
    births: float
    returns: float
    hour: float
    hour_spread: float
    value: float
    value_spread: float
    words: float
    loyalty: float


# `--calibrate` on online-retail: 404,876 interactions of 4,362 users with 3,676 items in 374 days.
# It names no categories: loyalty is movietweetings', with the first genre of a film. `repeats` is
# what a world draws on purpose; chance adds .13 to it in a catalogue as small as the shop's.
SHOP: Final = Statistics(
    item_spread=1.173,
    user_spread=1.061,
    visit=21.21,
    visit_spread=0.953,
    repeats=0.318,
    wander=0.709,
    wander_half_life=78.8,
    births=0.00076,
    returns=0.0211,
    hour=13.25,
    hour_spread=2.27,
    value=2.28,
    value_spread=1.19,
    words=4.37,
    loyalty=0.743,
)


def calibrate(folder: Path) -> Statistics:
    """The constants of a folder in the source contract; nan where it does not tell one."""
    return fit(_read(folder, "items"), _read(folder, "events"))


def fit(items: pd.DataFrame, events: pd.DataFrame) -> Statistics:
    """The constants of items and events in the contract's columns; nan where these do not tell."""
    times = pd.to_datetime(events["occurred_at"], utc=True, format="ISO8601")
    categories = events["item_id"].map(_categories(items))
    events = events.assign(day=times.dt.floor("D"), category=categories)
    visits = events.groupby(["user_id", "day"]).size()
    first = events.groupby(["user_id", "item_id"])["day"].transform("min")
    hours = times.dt.hour + times.dt.minute / 60
    values = np.log(events["value"].where(events["value"] > 0).dropna())
    texts = items["title"].fillna("") + " " + items["description"].fillna("")
    wander, half_life = _drift(events)
    return Statistics(
        item_spread=_spread(events.groupby("item_id").size()),
        user_spread=_spread(visits.groupby("user_id").size()),
        visit=float(visits.mean()),
        visit_spread=_spread(visits),
        repeats=float((events["day"] > first).mean()),
        wander=wander,
        wander_half_life=half_life,
        births=_births(events),
        returns=float((events["event_type"] == "return").mean()),
        hour=float(hours.mean()),
        hour_spread=float(hours.std()),
        value=float(values.mean()),
        value_spread=float(values.std()),
        words=float((texts.str.strip().str.count(r"\s+") + 1).mean()),
        loyalty=_loyalty(events),
    )


def _read(folder: Path, name: str) -> pd.DataFrame:
    (path,) = folder.glob(f"{name}.csv*")
    return pd.read_csv(path, dtype=dict.fromkeys(TEXTS, "str"))


def _categories(items: pd.DataFrame) -> "pd.Series[str]":
    """By item, the first of its categories."""
    named = items.set_index("item_id")["category"].dropna()
    return named.str.split(",").str[0]


def _spread(counts: "pd.Series[int]") -> float:
    """Of the logarithms of weights whose best tenth holds what the best tenth of counts holds."""
    ordered = np.sort(counts.to_numpy())[::-1]
    share = ordered[: int(np.ceil(len(ordered) * TENTH))].sum() / ordered.sum()
    return float(norm.ppf(share) + norm.ppf(1 - TENTH))


def _drift(events: pd.DataFrame) -> tuple[float, float]:
    """The wander and its half-life: a line through the logarithms of ln M."""
    once = events.drop_duplicates(["user_id", "item_id", "day"])
    weeks = (once["day"] - once["day"].min()).dt.days // 7
    counts = pd.crosstab(once["item_id"], weeks).to_numpy().astype(np.float64)
    rates = counts / counts.sum(axis=0)  # as if every week were as busy
    n_weeks = rates.shape[1]

    def together(lag: int) -> float:
        return float((rates[:, :-lag] * rates[:, lag:]).sum() / (n_weeks - lag))

    lags = [lag for lag in LAGS if lag < n_weeks // 3]
    beyond = np.array([together(lag) / together(n_weeks // 2) for lag in lags])
    if len(lags) < 2 or (beyond <= 1).any():  # too short, or too little drifts to tell
        return float("nan"), float("nan")
    slope, start = np.polyfit(np.array(lags) * 7.0, np.log(np.log(beyond)), 1)
    return float(np.exp(start / 2)), float(-np.log(2) / slope)


def _births(events: pd.DataFrame) -> float:
    """Items first met in the second half of the days; those of the first were there before."""
    first, last = events["day"].min(), events["day"].max()
    half = first + (last - first) / 2
    births = events.groupby("item_id")["day"].min() > half
    return float(births.mean() / (last - half).days)


def _loyalty(events: pd.DataFrame) -> float:
    """From how often two interactions of a user are of one category, beyond those of two users.

    With probability loyalty^2 both keep to the user's favourites, and then 1 of FAVOURITES times to
    the same one.
    """
    known = events.dropna(subset=["category"])
    shares = known["category"].value_counts(normalize=True).to_numpy()
    by_chance = float((shares**2).sum())
    if by_chance == 1 or not len(known):
        return float("nan")
    sizes = known.groupby(["user_id", "category"]).size()
    pairs = (sizes * (sizes - 1)).groupby("user_id").sum()
    totals = known.groupby("user_id").size()
    alike = float((pairs / (totals * (totals - 1)))[totals > 1].mean())
    return float(np.sqrt(max(alike - by_chance, 0) / (1 / FAVOURITES - by_chance)))
