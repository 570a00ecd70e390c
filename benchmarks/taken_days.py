"""What nights write down of the days that they have taken and accumulated."""

import hashlib
from datetime import UTC, date, datetime

from recsys_tasks.interactions import date_of
from recsys_tasks.settings import Settings, preset_of
from recsys_tasks.steps import accumulate, digest_of, extract
from recsys_tasks.warehouse import Session
from recsys_tasks.warehouse.models import LiveModel

LARGEST_VALUES = """
update event_types
set largest_value = (
    select max(interactions.value)
    from interactions
    where interactions.event_type_key = event_types.event_type_key
)
"""
TAKEN_DAYS = """
insert into interaction_days (
    day, source_fingerprint, rules_fingerprint, is_over, n_interactions, n_rejected
)
select changed_days.day, changed_days.fingerprint, %(rules)s, true, count(interactions.day), 0
from changed_days
left join interactions on changed_days.day = interactions.day
group by changed_days.day, changed_days.fingerprint
"""


def mark_days(session: Session, settings: Settings, live: LiveModel, last: date) -> None:
    """Write down that every day until `last` is taken, and from what its deltas are made."""
    preset = preset_of(settings)
    rules = extract.rules_of(preset)
    # As extract.run names the rules, and accumulate.run what it weighs by.
    named = hashlib.sha256(f"{rules} {settings.text_limit}".encode()).hexdigest()[:12]
    session.select(LARGEST_VALUES)
    session.execute(
        "create_days",
        day=last,
        late_days=settings.late_days,
        rules_fingerprint=named,
        oldest=date_of(0),
    )
    session.execute("create_rules", rules=rules)
    session.execute("create_changed_days")
    session.execute("create_staged", now=datetime.now(UTC), text_limit=settings.text_limit)
    session.execute("fingerprint_changed_days")
    session.select(TAKEN_DAYS, {"rules": named})
    days = [day for (day,) in session.select("select day from interaction_days")]
    weighing = accumulate._weighing(session, preset, live)  # noqa: SLF001
    model_key = live.stored.model_key
    session.execute("mark_accumulated", model_key=model_key, days=days, weighing=weighing)
    weighing = digest_of(*accumulate._rules(session, preset))  # noqa: SLF001
    session.execute("mark_trends", days=days, weighing=weighing)
    session.select("drop table staged, rules, changed_days, days")
