"""Encoders by name in the warehouse, and which one its vectors are made with."""

import json
from typing import Final, NamedTuple

from recsys_tasks.encoder import Encoder, Specification
from recsys_tasks.errors import UnknownEncoder
from recsys_tasks.settings import Settings
from recsys_tasks.warehouse.session import Session

CONFIGURED: Final = "settings"  # the name of the encoder that the settings name


class NamedEncoder(NamedTuple):
    """An encoder beside the one that serves, or in place of the settings'.

    Attributes:
        name: For people.
        specification: What it is made from.
        encoder_id: Whose vectors it makes.
        dim: Their length.
        serves: Whether nights use it.
    """

    name: str
    specification: Specification
    encoder_id: str
    dim: int
    serves: bool


def encoder_in_use(session: Session, settings: Settings) -> Specification:
    """What nights embed with: what stands in for the settings' encoder, else that one."""
    configured = Specification.of(settings)
    facts = session.value("serving_encoder", configured=configured.fingerprint)
    return configured if facts is None else Specification.parsed(facts)


def serving_name(session: Session, settings: Settings) -> str:
    """The name of the encoder that nights embed with; CONFIGURED for that of the settings."""
    configured = Specification.of(settings).fingerprint
    name: str | None = session.value("serving_encoder_name", configured=configured)
    return name or CONFIGURED


def encoder_named(session: Session, settings: Settings, name: str) -> NamedEncoder:
    """An encoder that was added.

    Raises:
        UnknownEncoder: There is none of this name.
    """
    configured = Specification.of(settings).fingerprint
    row = session.row("encoder_named", name=name, configured=configured)
    if row is None:
        raise UnknownEncoder(name=name, problem="is not there")
    _, facts, *rest = row
    return NamedEncoder(name, Specification.parsed(facts), *rest)


def add_encoder(
    session: Session, settings: Settings, name: str, specification: Specification, encoder: Encoder
) -> NamedEncoder:
    """Write an encoder down; to add it again changes nothing.

    Raises:
        UnknownEncoder: The name is another one's.
    """
    session.execute(
        "insert_encoder",
        name=name,
        specification=json.dumps(specification.facts),
        encoder_id=encoder.encoder_id,
        dim=encoder.dim,
    )
    added = encoder_named(session, settings, name)
    if name == CONFIGURED or added.encoder_id != encoder.encoder_id:
        raise UnknownEncoder(name=name, problem="is another one: choose a name of its own")
    return added


def let_encoder_serve(session: Session, settings: Settings, name: str) -> None:
    """Let nights use an encoder from now on; CONFIGURED is that of the settings."""
    session.execute("rest_encoders")
    if name != CONFIGURED:
        fingerprint = Specification.of(settings).fingerprint
        session.execute("let_encoder_serve", name=name, configured=fingerprint)
