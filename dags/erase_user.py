"""Erase a user: everything that is held, with proof, and nothing comes back.

**What it does.** In one transaction it deletes all that the schema holds of a user, searches every
column of every table for what might be left, and leaves a keyed hash by which later nights and
loads leave the user out. The lists and totals of all others stay as they are. docs/personal-data.md
says what an erasure cannot reach: trained models, until they are trained anew; backups; the source.

**Run it.** *Trigger*, and type the user's id twice. It takes the tenant's lock, so it waits for a
running step, and the next step waits for it.

**The proof.** The task's XCom holds the signed report, which names no user: keep it. Airflow itself
keeps the id, in the run's configuration and in its audit log: docs/airflow.md says how to end that.

**When a step fails.** Nothing was changed: an erasure is done whole or not at all. The message says
what to do; then *Clear* the task. Repeated after it was done, it gives the report of then.
"""

import json
from typing import Any

from airflow import sdk
from ebbtide_forms import erasure_form
from ebbtide_wiring import Tenant, tenants

from recsys_tasks.days import form_of
from recsys_tasks.errors import BadSettings


def define(tenant: Tenant) -> None:
    """Make a tenant's DAG."""

    @sdk.task(multiple_outputs=False)
    def erase() -> dict[str, Any]:
        from recsys_tasks import erasing

        form = form_of(sdk.get_current_context())
        if form["user_id"] != form["confirmation"]:
            raise BadSettings(problem="The two ids differ, so nothing was erased")
        report = erasing.erase(
            tenant.settings(),
            form["user_id"],
            leave_tombstone=form["leave_tombstone"],
            from_source=form["from_source"],
        )
        return dict(json.loads(report.as_json()))

    @sdk.dag(
        dag_id=tenant.called("erase_user"),
        schedule=None,
        params=erasure_form(),
        **tenant.every_dag(__doc__),
    )
    def erase_user() -> None:
        erase()

    erase_user()


for each in tenants():
    define(each)
