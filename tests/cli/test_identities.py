"""The commands about what users are called."""

import pytest

from recsys_tasks.warehouse import Warehouse

from .shop import DAYS, Ebbtide, assert_one_line


def test_pseudonyms_are_taken_and_given_back(
    ebbtide: Ebbtide, shop: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    del shop
    assert ebbtide("night", DAYS[0]).status == 0
    before = ebbtide("recommend", "u1").out
    assert "as in the source" in ebbtide("identities").out
    assert_one_line(ebbtide("identities", "rotate").err)

    monkeypatch.setenv("RECSYS_IDENTITY_KEY", "a secret of many characters")
    assert ebbtide("identities", "rotate").out == "4 users are renamed.\n"

    assert ebbtide("recommend", "u1").out == before
    assert "4 users are called by pseudonyms" in ebbtide("identities").out
    assert ebbtide("night", DAYS[1]).status == 0
    assert ebbtide("identities", "off").out == "4 users are renamed.\n"
    assert_one_line(ebbtide("night", DAYS[2]).err)
