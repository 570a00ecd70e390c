"""Tune the encoder on what users did; it serves only if it beats the serving one beyond noise.

**What it does.** It draws pairs of items that one user took to within some days, all before a cut,
and trains the encoder to put them together, apart from others; embeds every text with it, beside;
and lets both replay the days after the cut. The winner serves; where a learned model serves, one is
trained on the new vectors, and decides. Nights go on meanwhile.

**Run it now.** *Trigger*: give the new encoder a name. Nothing runs it by itself. It needs the
extra `tuning`, and for any but small catalogues a GPU: `RECSYS_GPU_POOL` names the pool of its
slots. `ebbtide encoders switch` goes back to an encoder that was there.

**When a step fails.** The encoder that serves goes on serving. *Clear* the task: a training that
was cut off goes on from where it was, and vectors that were made are kept. The weights lie under
`RECSYS_VAR`, in `models`: every worker has to see that folder.

**Others can follow.** It updates the asset `ebbtide_encoder`.
"""

from datetime import timedelta

from airflow import sdk
from ebbtide_forms import tuning_form
from ebbtide_wiring import Tenant, announce_encoder, tenants
from pydantic import JsonValue

from recsys_tasks.days import day_of_form, form_of


def define(tenant: Tenant) -> None:
    """Make a tenant's DAG."""
    encoder = tenant.asset("ebbtide_encoder")

    @sdk.task(
        execution_timeout=timedelta(hours=11),
        outlets=[encoder],
        pool=tenant.gpu_pool(),
        multiple_outputs=False,
    )
    def tune() -> dict[str, JsonValue]:
        from recsys_tasks import modelling
        from recsys_tasks.finetuning import LORA_RANK, TuningOptions
        from recsys_tasks.warehouse import connect

        context = sdk.get_current_context()
        form, settings = form_of(context), tenant.settings()
        options = TuningOptions(
            window=form["window"],
            seed=form["seed"],
            minutes=form["minutes"],
            near=settings.duplicates,
            lora=LORA_RANK if form["lora"] else 0,
        )
        warehouse, name, until = connect(settings), form["name"], day_of_form(context, "until")
        modelling.tune_encoder(warehouse, settings, name, options, base=form["base"], until=until)
        trial = modelling.try_encoder(warehouse, settings, name)
        return announce_encoder(encoder, name, trial)

    @sdk.dag(
        dag_id=tenant.called("train_encoder"),
        schedule=None,
        catchup=False,
        params=tuning_form(),
        **tenant.every_dag(__doc__),
    )
    def train_encoder() -> None:
        tune()

    train_encoder()


for each in tenants():
    define(each)
