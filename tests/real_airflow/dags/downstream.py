"""A team downstream: its DAG runs for each night that tenant `asset` publishes."""

from airflow import sdk


@sdk.dag(
    schedule=sdk.PartitionedAssetTimetable(assets=sdk.Asset("ebbtide_lists-asset")),
    catchup=False,
    tags=["test"],
)
def downstream() -> None:
    @sdk.task
    def told() -> str:
        """The day that the run is for."""
        return str(sdk.get_current_context()["partition_key"])

    told()


downstream()
