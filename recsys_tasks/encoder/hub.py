"""Models of the Hugging Face hub: what they are called, and whether one is at hand."""

import os
from typing import NamedTuple


class HubModel(NamedTuple):
    """A model by its id, as of a revision.

    Attributes:
        id: Of its repository.
        revision: A commit, a tag or a branch; None for the newest when it is downloaded.
    """

    id: str
    revision: str | None

    @classmethod
    def named(cls, name: str) -> "HubModel":
        """What ID or ID@REVISION means.

        >>> HubModel.named("intfloat/e5-small@v1")
        HubModel(id='intfloat/e5-small', revision='v1')
        """
        repository, _, revision = name.partition("@")
        return cls(repository, revision or None)

    @property
    def is_cached(self) -> bool:
        """Whether the cache knows how it pools: without modules.json that would be a guess."""
        from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - takes seconds

        repository = self.id if "/" in self.id else f"sentence-transformers/{self.id}"
        cache = os.getenv("SENTENCE_TRANSFORMERS_HOME")
        found = try_to_load_from_cache(repository, "modules.json", cache, self.revision)
        return found is not None

    def reach(self) -> None:
        """Fail at once where the hub is out of reach: others would try for a minute.

        Raises:
            ConnectionError: It is.
        """
        from huggingface_hub import HfApi  # noqa: PLC0415 - takes seconds
        from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415

        try:
            HfApi().model_info(self.id, revision=self.revision, timeout=10)
        except HfHubHTTPError:
            pass  # it answered; sentence-transformers says best what is wrong with the name
        except Exception as cause:
            message = f"no such folder, nothing in the cache, and the hub is out of reach ({cause})"
            raise ConnectionError(message) from cause
