"""Runs DAGs one after the other in this process, and tells what became of them.

The first argument is JSON: a list of DAG ids, each with the configuration of its run. The last line
printed is JSON: of each run its state, those of its tasks, their results, reports and assets.
"""

import json
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.dagrun import DagRun
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

DAGS = Path(__file__).parents[1] / "dags"


def outcome_of(run: DagRun) -> dict[str, object]:
    """What became of a run."""
    with create_session() as session:
        tasks = {
            f"{task.task_id}{'' if task.map_index < 0 else f'[{task.map_index}]'}": task.state
            for task in run.get_task_instances(session=session)
        }
        results = {
            f"{xcom.task_id}.{xcom.key}": XComModel.deserialize_value(xcom)
            for xcom in session.scalars(select(XComModel).where(XComModel.run_id == run.run_id))
        }
        events = session.execute(
            select(AssetModel.name, AssetEvent.partition_key, AssetEvent.extra)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .where(AssetEvent.source_run_id == run.run_id)
            .order_by(AssetEvent.id)
        )
        assets = [[name, key, extra] for name, key, extra in events]
    return {"state": run.state, "tasks": tasks, "results": results, "assets": assets}


def main() -> None:
    """Run what the command line asks for."""
    outcomes = []
    for dag_id, conf in json.loads(sys.argv[1]):
        # Anew for each run: Airflow writes a run's configuration into the DAG's form.
        dag = BundleDagBag(DAGS, bundle_path=DAGS).dags[dag_id]
        outcomes.append(outcome_of(dag.test(run_conf=conf)))
    sys.stdout.write(f"\n{json.dumps(outcomes, default=str)}\n")


if __name__ == "__main__":
    main()
