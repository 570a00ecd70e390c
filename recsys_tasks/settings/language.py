"""The language model that orders lists of users with few events: docs/variants.md."""

from pydantic import BaseModel, ConfigDict, Field


class Language(BaseModel):
    """Which model, and what a night asks of it at most.

    Attributes:
        model: A folder, a .gguf file, or a Hugging Face id: a causal model.
        events: Users who did at most so much are asked about; their titles make the prompt.
        candidates: First entries of a list that it orders.
        users: About whom a night asks; of more, those who were active last.
        seconds: What a night waits for it. When they are over, nobody's list is ordered by it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str = Field(min_length=1, repr=False)
    events: int = Field(4, ge=1, le=50)
    candidates: int = Field(20, ge=2, le=100)
    users: int = Field(1000, ge=1, le=8192)
    seconds: int = Field(600, ge=1)
