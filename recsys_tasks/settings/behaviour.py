"""What the settings make of a preset, and what of them changes the lists."""

import hashlib
import json
from collections.abc import Collection, Iterator
from typing import Final

from pydantic import ValidationError

from recsys_tasks.errors import BadSettings, did_you_mean
from recsys_tasks.operation import Operation
from recsys_tasks.presets import Preset, read_preset
from recsys_tasks.settings.options import Settings
from recsys_tasks.settings.privacy import Privacy
from recsys_tasks.settings.problems import problem_of

# Settings that say where, when and how fast, not what comes out.
WITHOUT_EFFECT: Final = frozenset(Operation.model_fields) | frozenset({
    "dsn",
    "schema_name",
    "device",
    "batch_size",
    "memory_gib",
    "encode_batch_size",
    "enough_coverage",
    "enough_spread",
    "erasure_key",
    "gates",
    "generator",
    "generator_calls",
    "generator_key",
    "generator_model",
    "generator_seconds",
    "identity_key",
    "keep_models",
    "keep_nights",
    "keep_rejected",
    "keep_user_days",
    "lock_timeout",
    "metrics_drop",
    "noise_key",
    "stale_hours",
    "topics",
    "training",
    "unknown_items",
    "var",
    "volume_drift",
})
IN_PRESET: Final = frozenset({"preset", "event_types", "half_lives", "repeat"})


def fingerprint_of(settings: Settings) -> str:
    """Twelve hexadecimal digits that change when a setting or a preset changes the lists."""
    facts = settings.model_dump(mode="json", exclude=set(WITHOUT_EFFECT | IN_PRESET))
    facts["preset"] = preset_of(settings).model_dump(mode="json")
    for kind in facts["preset"]["event_types"].values():
        if kind["stance"] == 0:  # lists of before there were stances stay valid
            del kind["stance"]
    given = {name: kind.model_dump(exclude_unset=True) for name, kind in settings.variants.items()}
    facts["variants"] = given
    asked = facts.pop("language")
    if any(kind.language for kind in settings.variants.values()):
        # How long it may take changes no list.
        facts["language"] = {name: value for name, value in asked.items() if name != "seconds"}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def preset_of(settings: Settings) -> Preset:
    """The preset that the settings name, with what they change.

    An event type that the preset knows keeps what the settings do not mention. As many half-lives
    as the preset has keep its scales; any other number shares their sum equally.

    Raises:
        BadSettings: There is no such preset, or what the settings change does not fit it.
    """
    preset = read_preset(settings.preset)
    changes = dict(_changes(preset, settings))
    try:
        return Preset.model_validate({**preset.model_dump(), **changes})
    except ValidationError as error:
        raise BadSettings(problem=problem_of(error)) from error


def noise_secret(settings: Settings) -> bytes:
    """What the noise of shared counts is made of.

    Raises:
        BadSettings: There is none.
    """
    if settings.noise_key is None:
        raise BadSettings(
            problem="RECSYS_PRIVACY needs RECSYS_NOISE_KEY: a secret, see docs/privacy.md"
        )
    return settings.noise_key.get_secret_value().encode()


def noise_of_models(settings: Settings) -> Privacy | None:
    """How noisy what is learned of users has to be; None where it may be exact."""
    privacy = settings.privacy
    return None if privacy is None or privacy.exact_models else privacy


def refuse_exact(settings: Settings, what: str) -> None:
    """Refuse what learns of users without noise where it has to be noisy.

    Raises:
        BadSettings: Noise is wanted for what users share, and exact models are not.
    """
    if noise_of_models(settings) is not None:
        problem = f"RECSYS_PRIVACY is set without exact_models, and {what} without noise"
        raise BadSettings(problem=problem)


def check_language(settings: Settings) -> None:
    """Refuse a variant that a language model orders where there is none, or something else does.

    Raises:
        BadSettings: There is such a variant.
    """
    for name, variant in settings.variants.items():
        if not variant.language:
            continue
        if settings.language is None:
            raise BadSettings(problem=f"RECSYS_VARIANTS: {name} needs RECSYS_LANGUAGE, a model")
        for field in ("diversity", "category_cap", "new_item_share"):
            if getattr(variant if field in variant.model_fields_set else settings, field):
                raise BadSettings(
                    problem=f"RECSYS_VARIANTS: {name} has language and {field}, which both say"
                    " what order a list has; set one of them to 0, or category_cap to null"
                )


def with_variants(settings: Settings, names: Collection[str]) -> Settings:
    """Settings that keep some variants only; users of the others are shown the default.

    Raises:
        BadSettings: There is no variant of such a name.
    """
    for name in names:
        if name not in settings.variants:
            nearest = did_you_mean(name, settings.variants)
            raise BadSettings(problem=f"{name!r} is no variant of RECSYS_VARIANTS{nearest}")
    kept = {name: kind for name, kind in settings.variants.items() if name in names}
    return settings.model_copy(update={"variants": kept})


def _changes(preset: Preset, settings: Settings) -> Iterator[tuple[str, object]]:
    """The parts of a preset that the settings replace."""
    if settings.repeat is not None:
        yield "repeat", settings.repeat
    if settings.half_lives is not None:
        n_half_lives = len(settings.half_lives)
        yield "half_lives", settings.half_lives
        if n_half_lives != len(preset.scales):
            yield "scales", (sum(preset.scales) / n_half_lives,) * n_half_lives
    event_types = {name: kind.model_dump() for name, kind in preset.event_types.items()}
    for name, kind in settings.event_types.items():
        event_types[name] = {**event_types.get(name, {}), **kind.model_dump(exclude_unset=True)}
    yield "event_types", event_types
