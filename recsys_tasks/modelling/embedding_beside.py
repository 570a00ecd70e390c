"""The vectors of an encoder that does not serve yet, made beside those of the one that does."""

from collections.abc import Callable

from recsys_tasks.encoder import Specification, loaded
from recsys_tasks.settings import Settings
from recsys_tasks.steps.embedding import embed_beside, embed_missing
from recsys_tasks.warehouse import Session, Warehouse
from recsys_tasks.warehouse.encoders import (
    CONFIGURED,
    NamedEncoder,
    add_encoder,
    encoder_in_use,
    encoder_named,
    let_encoder_serve,
)

Progress = Callable[[int, int], None]  # how many texts have a vector by now, and of how many


def add(
    warehouse: Warehouse,
    settings: Settings,
    name: str,
    specification: Specification,
    on_progress: Progress | None = None,
) -> NamedEncoder:
    """Add an encoder by name, and embed every text that is known with it.

    In chunks that are committed one by one: what is cut off goes on when it is added again, or
    when it is compared, trained on or switched to.

    Raises:
        UnknownEncoder: The name is another one's.
        EncoderUnavailable: It does not load.
    """
    encoder = loaded(specification, settings.device)
    with warehouse.transaction(exclusive=True) as session:
        added = add_encoder(session, settings, name, specification, encoder)
    embed_beside(warehouse, encoder, settings.encode_batch_size, on_progress)
    return added


def find(session: Session, settings: Settings, name: str) -> NamedEncoder:
    """An encoder by name; CONFIGURED is that of the settings.

    Raises:
        UnknownEncoder: There is none.
        EncoderUnavailable: It does not load.
    """
    if name != CONFIGURED:
        return encoder_named(session, settings, name)
    specification = Specification.of(settings)
    encoder = loaded(specification, settings.device)
    serves = encoder_in_use(session, settings) == specification
    return NamedEncoder(name, specification, encoder.encoder_id, encoder.dim, serves)


def bring_vectors(warehouse: Warehouse, settings: Settings, name: str) -> NamedEncoder:
    """An encoder by name, once it has a vector for every text that is known now.

    Raises:
        UnknownEncoder: There is none.
        EncoderUnavailable: It does not load.
    """
    with warehouse.transaction() as session:
        named = find(session, settings, name)
    encoder = loaded(named.specification, settings.device)
    embed_beside(warehouse, encoder, settings.encode_batch_size)
    return named


def bring_encoder(session: Session, settings: Settings, named: NamedEncoder) -> None:
    """Let nights use an encoder, with what came since in the same transaction."""
    encoder = loaded(named.specification, settings.device)
    embed_missing(session, encoder, settings.encode_batch_size)
    let_encoder_serve(session, settings, named.name)
