"""How large a tenant is: what the cost of its nights grows with."""

from typing import Final, NamedTuple

from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.warehouse import Session

DEFAULT_DIM: Final = 384  # of the default encoder


class Sizes(NamedTuple):
    """What there is, and what a day brings.

    Attributes:
        users: With a history.
        active: Users who do something on a day, mean of two weeks.
        ranked: Users whose lists a night makes.
        items: In the catalogue.
        new_items: That come on a day.
        events: Of a day.
        history: Events of all days.
        half_lives: How many.
        dim: Coordinates of an interest.
        list_length: Items in a list.
        late_days: Days before the night's that are searched for late events.
    """

    users: float
    active: float
    ranked: float
    items: float
    new_items: float
    events: float
    history: float
    half_lives: float
    dim: float
    list_length: float
    late_days: float

    def scaled(self, users: float | None = None, items: float | None = None) -> "Sizes":
        """The same place with other numbers of users and items; what a user does stays."""
        of_users = (users or self.users) / max(self.users, 1)
        of_items = (items or self.items) / max(self.items, 1)
        grown = {
            name: getattr(self, name) * of_users
            for name in ("users", "active", "ranked", "events", "history")
        }
        return self._replace(
            **grown, items=self.items * of_items, new_items=self.new_items * of_items
        )


def read_sizes(session: Session, settings: Settings) -> Sizes:
    """What the source and the warehouse hold.

    Raises:
        BadSource: The source cannot be read.
    """
    session.map_source(settings.source)
    n_items, n_new, n_history, n_events, n_active = session.rows("plan_source")[0]
    n_users = session.value("plan_users")
    n_ranked = n_users
    if settings.refresh_days is not None:
        n_ranked = session.value("plan_recent_users", days=settings.refresh_days)
    return Sizes(
        users=float(n_users),
        active=n_active,
        ranked=float(n_ranked),
        items=float(n_items),
        new_items=n_new,
        events=n_events,
        history=float(n_history),
        half_lives=float(len(preset_of(settings).half_lives)),
        dim=float(_dim(session, settings)),
        list_length=float(settings.list_length),
        late_days=float(settings.late_days),
    )


def _dim(session: Session, settings: Settings) -> int:
    """Of the model that serves; before there is one, of the encoder, as far as settings tell."""
    return int(session.value("plan_dim") or settings.encoder_dim or DEFAULT_DIM)
