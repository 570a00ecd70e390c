"""Train a new model every week; it serves only if it beats the serving one beyond noise.

**What it does.** Every Monday at 03:00 (UTC) it learns half-lives, the weights of event types, the
items' vectors and how trends count from all that the nights have taken, and lets the new model and
the serving one replay the last days. The winner serves; the next night makes its lists. A model
that does not win is kept for a while (`ebbtide models`). Nights go on meanwhile. With too little to
learn from the task is skipped, and its log says so.

**Run it now.** *Trigger*: the form can end the history at a day, let the new model serve in any
case, and ask what each part of the model is worth (the page *Model* shows it).
`ebbtide models serve MODEL` goes back to one that was kept.

**When a step fails.** The model that serves goes on serving. *Clear* the task: a training that was
cut off goes on from where it was. `ebbtide doctor` says what is wrong with an installation.

**Others can follow.** It updates the asset `ebbtide_model`.
"""

from datetime import timedelta

import structlog
from airflow import sdk
from ebbtide_forms import skip_unless, skipped_by, training_form
from ebbtide_wiring import Tenant, announce_model, tenants
from pydantic import JsonValue

from recsys_tasks.days import day_of_form, form_of
from recsys_tasks.errors import NoModel, NothingToEvaluate

log = structlog.get_logger()


def define(tenant: Tenant) -> None:
    """Make a tenant's DAG."""
    lists, model = tenant.asset("ebbtide_lists"), tenant.asset("ebbtide_model")

    @sdk.task(
        inlets=[lists],
        outlets=[model],
        execution_timeout=timedelta(hours=11),
        multiple_outputs=False,
    )
    def train() -> dict[str, JsonValue]:
        from recsys_tasks import modelling
        from recsys_tasks.warehouse import connect

        context, settings = sdk.get_current_context(), tenant.settings()
        form, until = form_of(context), day_of_form(context, "until")
        asked = {name: form[name] for name in ("force", "seed", "second_stage")}
        with skipped_by(NoModel, NothingToEvaluate):
            found = modelling.train(connect(settings), settings, until, **asked, on_stage=log.info)
            return announce_model(model, found)

    @sdk.task(execution_timeout=timedelta(hours=11), multiple_outputs=False)
    def ablate() -> dict[str, float]:
        from recsys_tasks.ablating import ablate
        from recsys_tasks.warehouse import connect

        skip_unless("ablations")
        settings = tenant.settings()
        with skipped_by(NothingToEvaluate):
            return ablate(connect(settings), settings, on_stage=log.info).differences

    @sdk.dag(
        dag_id=tenant.called("train_interest_model"),
        schedule=sdk.CronTriggerTimetable("0 3 * * 1", timezone="UTC"),
        catchup=False,
        params=training_form(),
        **tenant.every_dag(__doc__),
    )
    def train_interest_model() -> None:
        train() >> ablate()

    train_interest_model()


for each in tenants():
    define(each)
