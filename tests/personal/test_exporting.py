"""Exporting: all that an erasure would delete of a user is told, and nobody else is named."""

import json

import pytest
from steps.tenant import Tenant

from recsys_tasks.erasing import erase
from recsys_tasks.errors import NothingHeld
from recsys_tasks.exporting import export

from .place import DAYS, JANE, OTHERS, OWN

NO_ROWS_OF_THEIRS = {"others in user_neighbours", "others in suggested_people"}


def test_an_export_tells_row_by_row_what_an_erasure_deletes(place: Tenant) -> None:
    """But the names that others know them by, and errors of the ledger, are not theirs."""
    tables = export(place.settings, JANE).tables

    rows = erase(place.settings, JANE).rows

    for table in rows.keys() - NO_ROWS_OF_THEIRS - {"items", "nights", "texts", "text_vectors"}:
        assert len(tables[table]) == rows[table], table
    assert {row["text"] for row in tables["text_vectors"]} >= {OWN}


def test_an_export_speaks_in_words_and_names_no_other_user(place: Tenant) -> None:
    found = export(place.settings, JANE)
    tables = found.tables

    written = next(row for row in tables["interactions"] if row["text"] == OWN)
    assert (written["item_id"], written["event_type"]) == ("i1", "comment")
    assert tables["users"] == [
        {"user_id": JANE, "attributes": {"likes": ["lamps"]}, "created_at": None}
    ]
    lists = {row["night"]: row for row in tables["recommendation_lists"]}
    assert set(lists) == {str(day) for day in DAYS}
    served = [row["item_id"] for row in tables["recommendations"]]
    assert lists[str(DAYS[-1])]["item_ids"] == served
    assert json.loads(found.as_json())["tables"] == json.loads(json.dumps(tables))
    told = {name: rows for name, rows in tables.items() if name != "interactions"}
    followed = {row["item_id"] for row in tables["interactions"]}
    assert not any(f'"{user}"' in json.dumps(told) for user in OTHERS)
    assert followed & set(OTHERS) == {"u0", "u1"}  # whom jane followed is what jane did


@pytest.mark.parametrize("user_id", ["nobody", "a\0b", ""])
def test_whoever_is_not_known_has_nothing_to_export(place: Tenant, user_id: str) -> None:
    with pytest.raises(NothingHeld, match="Nothing is held about user"):
        export(place.settings, user_id)
