"""The views by the name of their page: each reads, and gives a page as data."""

from typing import Final

from ebbtide_pages.asking import View
from ebbtide_pages.views import experiments, item, model, night, nights, user, why

VIEWS: Final[dict[str, View]] = {
    "nights": nights.view,
    "night": night.view,
    "user": user.view,
    "why": why.view,
    "item": item.view,
    "model": model.view,
    "experiments": experiments.view,
}
# What the navigation offers.
PLACES: Final = {
    "nights": "Nights",
    "user": "User",
    "item": "Item",
    "model": "Model",
    "experiments": "Experiments",
}
