"""Tenants of one database: each has a schema, a set of DAGs, and the same source."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from recsys_tasks import nightly
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import connect

TODAY: Final = datetime.now(UTC).date()
YESTERDAY: Final = TODAY - timedelta(days=1)
DAYS: Final = tuple(TODAY - timedelta(days=n) for n in range(5, 0, -1))  # on which users act
TABLES: Final = (
    """
    select users.user_id, half_life, as_of, mass, alpha, total::text
    from interest_totals inner join users on interest_totals.user_key = users.user_key
    order by users.user_id, half_life
    """,
    """
    select user_id, rank, item_id, score, reason, strategy, night
    from recommendations
    order by user_id, rank
    """,
    "select horizon, rank, item_id, score from trending_items order by horizon, rank",
)


@dataclass(frozen=True)
class Tenants:
    """A folder of tenants."""

    folder: Path
    dsn: str
    encoder: str

    def add(self, name: str, first_day: date, **variables: str) -> str:
        """Write a tenant's file.

        Returns:
            The id of its nightly DAG.
        """
        lines = {"RECSYS_FIRST_DAY": str(first_day), **variables}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (self.folder / f"{name}.env").write_text(text)
        return f"nightly_recommendations-{name}"

    def settings(self, schema: str) -> Settings:
        """Of a tenant, or of a schema beside them."""
        return read_settings(
            dsn=self.dsn, encoder=self.encoder, device="cpu", schema_name=schema, list_length=5
        )

    def migrate(self, schema: str) -> None:
        """Make a tenant's tables before its first night does."""
        connect(self.settings(schema)).close()

    def plain(self, nights: Iterable[date]) -> str:
        """The checksum of what nights leave that run in order, in one process."""
        days = sorted(set(nights))
        schema = "plain_" + hashlib.sha256(repr(days).encode()).hexdigest()[:8]
        settings = self.settings(schema)
        for day in days:
            nightly.run_night(settings, day)
        return self.checksum(schema)

    def checksum(self, schema: str) -> str:
        """Of totals, published lists with reasons, and trends."""
        warehouse = connect(self.settings(schema))
        with warehouse.transaction() as session:
            found = [session.select(statement) for statement in TABLES]
        warehouse.close()
        assert all(found), schema
        return hashlib.sha256(repr(found).encode()).hexdigest()[:12]

    def nights(self, schema: str) -> list[date]:
        """The nights that were published, in the order in which they last were."""
        warehouse = connect(self.settings(schema))
        with warehouse.transaction() as session:
            rows = session.select(
                "select day from nights where step = 'publish' and state = 'done'"
                " order by finished_at"
            )
        warehouse.close()
        return [day for (day,) in rows]
