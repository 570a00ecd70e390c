"""Which generator the settings name."""

from recsys_tasks.generating.endpoint import Endpoint
from recsys_tasks.generating.generator import Generator
from recsys_tasks.generating.local import Local
from recsys_tasks.settings import Settings


def open_generator(settings: Settings) -> Generator | None:
    """The generator that the settings name, not yet asked anything; None where they name none."""
    name = settings.generator
    if name is None:
        return None
    if name.startswith(("http://", "https://")):
        return Endpoint(name, settings.generator_model, settings.generator_key)
    return Local(name, settings.device)
