"""Whose tables a page shows: the tenants of RECSYS_TENANTS, else the schemas of the database."""

from functools import lru_cache
from time import monotonic
from typing import NamedTuple

from ebbtide_pages.reading import Reader, ReadingWarehouse
from recsys_tasks.errors import UnknownTenant, did_you_mean
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.tenants import tenant_names
from recsys_tasks.warehouse import embedded

REMEMBERED = 60  # seconds: a new schema or a changed setting is seen after at most so long


class Tenants(NamedTuple):
    """The tenants that there are, ascending by name, and which one is shown unless one is chosen.

    Attributes:
        names: Of all.
        default: One of them, or where there is none yet the schema of the settings.
        are_declared: Whether RECSYS_TENANTS declares them; else they are schemas.
    """

    names: tuple[str, ...]
    default: str
    are_declared: bool


def tenants() -> Tenants:
    """The tenants that can be looked at.

    Raises:
        EbbtideError: The settings are wrong, or the database does not answer.
    """
    return _tenants(int(monotonic() // REMEMBERED))


def settings_of(tenant: str) -> Settings:
    """The settings of a tenant.

    Raises:
        UnknownTenant: There is none of this name.
    """
    return _settings_of(tenant, int(monotonic() // REMEMBERED))


def warehouse_of(settings: Settings, timeout: int) -> ReadingWarehouse:
    """The warehouse of a tenant; its connections are kept for the next page."""
    dsn = settings.dsn or embedded.start(settings.var / "postgres")
    place = (dsn, settings.schema_name, timeout)
    return _warehouses.setdefault(place, ReadingWarehouse(*place))


def forget() -> None:
    """Read settings and schemas anew when next asked, over new connections."""
    _tenants.cache_clear()
    _settings_of.cache_clear()
    while _warehouses:
        _warehouses.popitem()[1].close()


_warehouses: dict[tuple[str, str, int], ReadingWarehouse] = {}


@lru_cache(maxsize=1)
def _tenants(_minute: int) -> Tenants:
    own = read_settings()
    if own.tenants is not None:
        names = tuple(tenant_names(own.tenants))
        return Tenants(names, own.tenant or names[0], are_declared=True)
    with warehouse_of(own, 1).transaction() as session:
        found = tuple(name for (name,) in Reader(session).rows("tenant_schemas"))
    return Tenants(found, own.schema_name, are_declared=False)


@lru_cache(maxsize=64)
def _settings_of(tenant: str, _minute: int) -> Settings:
    known = tenants()
    if tenant not in {*known.names, known.default}:
        nearest = did_you_mean(tenant, known.names)
        names = ", ".join(known.names)
        raise UnknownTenant(tenant=tenant, nearest=nearest, known=names)
    if known.are_declared:
        return read_settings(tenant=tenant)
    return read_settings(schema_name=tenant)
