"""Settings: read once at the edge; an option wins over a RECSYS_ variable, that over a default."""

from recsys_tasks.presets import KNOWN_TYPES, EventType, Preset, Repeat, preset_names
from recsys_tasks.settings.behaviour import (
    check_language,
    fingerprint_of,
    noise_of_models,
    noise_secret,
    preset_of,
    refuse_exact,
    with_variants,
)
from recsys_tasks.settings.gates import GATES, Action, Gate, gate_called
from recsys_tasks.settings.language import Language
from recsys_tasks.settings.options import Settings, variable_of
from recsys_tasks.settings.privacy import Privacy
from recsys_tasks.settings.reading import read_settings
from recsys_tasks.variants import Variant

__all__ = [
    "GATES",
    "KNOWN_TYPES",
    "Action",
    "EventType",
    "Gate",
    "Language",
    "Preset",
    "Privacy",
    "Repeat",
    "Settings",
    "Variant",
    "check_language",
    "fingerprint_of",
    "gate_called",
    "noise_of_models",
    "noise_secret",
    "preset_names",
    "preset_of",
    "read_settings",
    "refuse_exact",
    "variable_of",
    "with_variants",
]
