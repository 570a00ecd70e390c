"""Who may see the pages, and who may start runs: Airflow's own login and permissions."""

from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    DagAccessEntity,
    DagDetails,
)
from airflow.api_fastapi.core_api.security import get_user, requires_access_view
from fastapi import Depends

# On every route: without a login 401, without the right to see the website 403.
MAY_LOOK = Depends(requires_access_view(AccessView.WEBSITE))

SomeUser = Annotated[Any, Depends(get_user)]  # of whichever auth manager there is


def may_start(user: SomeUser, dag_id: str) -> bool:
    """Whether a user may start runs of a DAG; Airflow's API asks again when it is tried."""
    return bool(
        get_auth_manager().is_authorized_dag(
            method="POST",
            access_entity=DagAccessEntity.RUN,
            details=DagDetails(id=dag_id),
            user=user,
        )
    )
