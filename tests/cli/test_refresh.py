"""The command refresh."""

from datetime import timedelta

from sources import add_events

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line


def test_refresh_says_what_it_did(ebbtide: Ebbtide, shop: Warehouse) -> None:
    ebbtide("night", DAYS[-1])
    tomorrow = DAYS[-1] + timedelta(days=1)
    add_events(shop, {"user_id": "u1", "item_id": "i1", "day": tomorrow})
    answer = ebbtide("refresh", "--day", tomorrow)

    assert (answer.status, answer.err) == (0, "")
    done, median, longest = answer.out.splitlines()
    assert done == "Refreshed: 1 interactions, 1 lists, 1 new."
    assert median.startswith("From event to list, median delay: ")
    assert longest == median.replace("median", "longest")


def test_a_day_without_events_is_refreshed_to_nothing(ebbtide: Ebbtide, shop: Warehouse) -> None:
    """Without --day it is today's."""
    del shop
    answer = ebbtide("refresh")

    assert answer.status == 0
    assert answer.out.strip().endswith(", 0 lists, 0 new.")


def test_a_published_day_is_refused_in_one_line(ebbtide: Ebbtide, shop: Warehouse) -> None:
    del shop
    ebbtide("night", DAYS[-1])
    answer = ebbtide("refresh", "--day", DAYS[0])

    assert answer.status == 1
    assert_one_line(answer.err)
    assert f"night {DAYS[-1]} is published" in answer.err
