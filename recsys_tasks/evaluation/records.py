"""Evaluations as records that SQL and JSON read: nights as dates, nothing undefined."""

import math
from collections.abc import Iterable

from recsys_tasks.evaluation.summary import Evaluation
from recsys_tasks.interactions import date_of

Record = dict[str, str | int | float | None]


def records(evaluations: Iterable[Evaluation]) -> list[Record]:
    """One record an evaluation, with the columns of the table `evaluations`; nan becomes None."""
    return [
        {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in evaluation._asdict().items()
        }
        | {"night": date_of(evaluation.night).isoformat()}
        for evaluation in evaluations
    ]
