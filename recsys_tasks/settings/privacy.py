"""How much noise what users share is given: docs/privacy.md."""

from pydantic import BaseModel, ConfigDict, Field


class Privacy(BaseModel):
    """Differential privacy, on once it is set.

    Attributes:
        epsilon: For all that one person did in one day, of trends.
        most_items: What one person counts in a day at most, whatever they took to.
        smallest: Counts nearer to 0 than this are not kept; a large catalogue wants it.
        rating_scale: Top of the scale of ratings, which must not be told by the largest one.
        evaluation_epsilon: For a person, of each night's evaluations; None for no evaluations.
        least_users: Segments that seem to have fewer users are not shown.
        model_epsilon: For a person, all they ever did, of each training; None for no training.
        exact_models: Whether models may be trained without noise all the same.
        edition: Another number releases all days again, which costs as much again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epsilon: float = Field(gt=0, le=100)
    most_items: int = Field(5, ge=1, le=1000)
    smallest: float = Field(0.0, ge=0)
    rating_scale: float = Field(5.0, gt=0)
    evaluation_epsilon: float | None = Field(None, gt=0, le=100)
    least_users: int = Field(20, ge=1)
    model_epsilon: float | None = Field(None, gt=0, le=100)
    exact_models: bool = False
    edition: int = Field(1, ge=1)
