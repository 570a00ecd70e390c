"""A tenant whose source a test fills and whose steps it runs one by one."""

from dataclasses import dataclass
from datetime import date
from types import ModuleType

from sources import NIGHT, Row, add_events, add_items

from recsys_tasks.settings import Settings
from recsys_tasks.steps import Counts, accumulate, embed_items, extract, merge, rank
from recsys_tasks.warehouse import Warehouse

TO_DRAFT = (extract, embed_items, accumulate, merge, rank)


@dataclass(frozen=True)
class Tenant:
    """A tenant whose source a test fills and whose steps it runs one by one."""

    warehouse: Warehouse
    settings: Settings

    def run(self, step: ModuleType, day: date = NIGHT, **changes: object) -> Counts:
        """Run a step of a night, with some settings changed."""
        settings = self.settings.model_copy(update=changes)
        with self.warehouse.transaction(exclusive=True) as session:
            counts: Counts = step.run(session, settings, day)
        return counts

    def extract(self, day: date = NIGHT, **changes: object) -> Counts:
        """Run the step extract."""
        return self.run(extract, day, **changes)

    def draft(self, day: date = NIGHT) -> None:
        """Run a night until its lists are drafted."""
        for step in TO_DRAFT:
            self.run(step, day)

    def items(self, *rows: Row) -> list[str]:
        """Write items into the source."""
        return add_items(self.warehouse, *rows)

    def events(self, *rows: Row) -> list[str]:
        """Write events into the source."""
        return add_events(self.warehouse, *rows)

    def rows(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        """What a statement finds."""
        with self.warehouse.transaction() as session:
            return session.select(statement, parameters)

    def taken(self) -> list[object]:
        """The ids of the events that were taken, in alphabetical order."""
        return [row[0] for row in self.rows("select event_id from interactions order by 1")]

    def rejected(self) -> list[tuple[object, ...]]:
        """Event ids and reasons of what extract rejected."""
        return self.rows(
            "select event_id, reason from rejected_interactions"
            " where step = 'extract' order by event_id, reason"
        )
