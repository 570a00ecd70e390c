"""Trigger forms: a field takes what it can use, or Airflow refuses the run before it begins."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from test_dags import NAMES, Bag, dags, parse

from .entrances import Entrances, some
from .hostile import anything

__all__ = ["dags", "parse"]  # fixtures here too
DAYS = {"day", "until"}
# What JSON can hold.
given_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | anything
    | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=2),
    max_leaves=5,
)


@some(1)
@given(data=st.data(), name=st.sampled_from(sorted(NAMES)), value=given_values)
def test_a_field_that_is_given_anything(
    entrances: Entrances, dags: Bag, data: st.DataObject, name: str, value: object
) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    fields = sorted(dags[name].params)
    if not fields:
        return
    field, refusal = data.draw(st.sampled_from(fields)), None
    try:
        taken = dags[name].params.get_param(field).resolve(value)
    except ParamValidationError as error:
        refusal = error
    else:
        assert taken == value
        if field in DAYS and value is not None:
            assert str(date.fromisoformat(str(value))) == value
    # Airflow's own message tells the schema, on lines of its own.
    entrances.tell("fields of forms", refusal and ValueError(str(refusal).splitlines()[0]))
