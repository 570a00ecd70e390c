"""Keep the tables small, fast and right.

**What it does.** Every day at 04:30 (UTC) it drops what is older than RECSYS_KEEP_ settings say,
vacuums what nights rewrite, and checks for a sample of users that their totals are the fold of
their days; a total that is not is named, and made anew. Nights may run meanwhile: it waits for
their lock as they wait for its.

**Run it now.** *Trigger*; there is nothing to fill in. Twice does no harm.

**When a step fails.** Readers do not notice. The message says what to do; then *Clear* the task, or
leave it to tomorrow's run. `ebbtide doctor` says what is wrong with an installation.
"""

from airflow import sdk
from ebbtide_wiring import Tenant, tenants

from recsys_tasks.days import form_of


def define(tenant: Tenant) -> None:
    """Make a tenant's DAG."""

    @sdk.task(multiple_outputs=False)
    def keep_house() -> dict[str, int]:
        from recsys_tasks.maintaining import maintain

        form_of(sdk.get_current_context())  # refuses what the form does not have: it has nothing
        return tenant.measured("maintain", maintain(tenant.settings()))

    @sdk.dag(
        dag_id=tenant.called("maintain"),
        schedule=sdk.CronTriggerTimetable("30 4 * * *", timezone="UTC"),
        catchup=False,
        **tenant.every_dag(__doc__),
    )
    def maintain() -> None:
        keep_house()

    maintain()


for each in tenants():
    define(each)
