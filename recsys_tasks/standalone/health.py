"""Whether Airflow is well, by its own word."""

import http.client
import time
from collections.abc import Callable, Collection
from typing import Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from recsys_tasks.errors import AirflowUnwell
from recsys_tasks.standalone.place import Place

TIMEOUT: Final = 10.0  # seconds an answer may take
TICK: Final = 0.5


class _Status(BaseModel):
    """One part of the answer."""

    status: str | None


_ANSWER = TypeAdapter(dict[str, _Status])


def healthy_parts(place: Place) -> set[str]:
    """The parts that are well: api_server, metadatabase, scheduler, triggerer, dag_processor.

    Empty while nothing answers.
    """
    connection = http.client.HTTPConnection(place.near_host, place.port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/api/v2/monitor/health")
        answer = _ANSWER.validate_json(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValidationError):
        return set()
    finally:
        connection.close()
    well = {part for part, state in answer.items() if state.status == "healthy"}
    return {"api_server", *well}


def wait_until_healthy(
    place: Place, parts: Collection[str], check: Callable[[], None], seconds: float
) -> None:
    """Wait for some parts.

    Args:
        place: Of the Airflow.
        parts: As `healthy_parts` names them.
        check: Called between two looks; raises when there is nothing left to wait for.
        seconds: How long at most.

    Raises:
        AirflowUnwell: One is not well by then.
    """
    deadline = time.monotonic() + seconds
    while missing := set(parts) - healthy_parts(place):
        check()
        if time.monotonic() > deadline:
            raise AirflowUnwell(
                parts=", ".join(sorted(missing)), seconds=f"{seconds:.0f}", logs=place.home / "logs"
            )
        time.sleep(TICK)
