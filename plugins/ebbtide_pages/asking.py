"""What a view is asked: parameters of the address, and whose tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ebbtide_pages.content import Chooser, Link, Option, Page
from ebbtide_pages.reading import Reader
from recsys_tasks.settings import Settings

LONGEST = 400  # characters of a parameter; no id is longer that anybody types


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        query: Parameters of the address.
        settings: Of the tenant.
    """

    query: Mapping[str, str]
    settings: Settings

    def text(self, name: str) -> str:
        """A parameter without white space around it; empty where it was left out."""
        # Postgres keeps no NUL in a text, so no id has one.
        return self.query.get(name, "").replace("\0", "")[:LONGEST].strip()

    def chosen(self, name: str, options: Mapping[str, str]) -> str:
        """One of the options; the first where none of them was asked for."""
        value = self.text(name)
        return value if value in options else next(iter(options))

    def chooser(self, name: str, label: str, options: Mapping[str, str]) -> Chooser:
        """A list of the options, with the choice."""
        offered = tuple(Option(value, text) for value, text in options.items())
        return Chooser(name, label, offered, self.chosen(name, options))


View = Callable[[Reader, Asked], Page]


def to_user(user_id: str, name: str | None = None) -> Link:
    """The page of a user."""
    return Link(f"{name} ({user_id})" if name else user_id, "user", {"id": user_id})


def to_item(item_id: str, title: str | None = None) -> Link:
    """The page of an item, called by its title."""
    return Link(title or item_id, "item", {"id": item_id})
