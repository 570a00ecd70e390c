"""Models: what was learned, candidates beside what served, and what each part is worth."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from ebbtide_pages.asking import Asked
from ebbtide_pages.content import (
    Cell,
    Chart,
    Column,
    Facts,
    Notice,
    Page,
    Section,
    Series,
    State,
    Table,
    Tone,
)
from ebbtide_pages.measures import METRICS, TARGETS, Bar, K, beside
from ebbtide_pages.parameters import parameters_of
from ebbtide_pages.reading import Reader
from ebbtide_pages.views.ablations import ablations
from ebbtide_pages.views.learned import of_preset, sections_of
from ebbtide_pages.views.nights import newest_published
from recsys_tasks.errors import first_line

LEAD: Final = "What ranks, what it learned, and how it did beside what served before."
_MOST: Final = 40
_NIGHTS: Final = 28
_TONES: Final[Mapping[str, Tone]] = {
    "serving": "good",
    "candidate": "waiting",
    "variant": "waiting",
}


class Model(NamedTuple):
    """A row of page_models."""

    model_key: int
    model_id: str
    kind: str
    state: str
    encoder_id: str
    dim: int
    trained_until: date | None
    created_at: datetime
    trained_on: Mapping[str, float]
    validation: Mapping[str, Any]
    parameters: Mapping[str, Any]
    size: int
    digest: str | None
    has_second_stage: bool


def view(reader: Reader, asked: Asked) -> Page:
    """The model of the parameter `model`; the serving one without it."""
    models = [Model(*row) for row in reader.rows("page_models", n=_MOST)]
    if not models:
        notice = Notice("No model yet", "The first night makes one from the preset.", "waiting")
        return Page("model", "Model", LEAD, (notice,))
    offered = {model.model_id: f"{model.model_id} ({model.state})" for model in models}
    chosen = asked.chosen("model", offered)
    model = next(model for model in models if model.model_id == chosen)
    sections: list[Section] = [_facts(model), *_learned(reader, asked, model)]
    sections += [ablations(model.validation), _candidates(models), *_in_service(reader, asked)]
    return Page(
        "model",
        f"Model {model.model_id}",
        LEAD,
        tuple(sections),
        choosers=(
            asked.chooser("model", "Model", offered),
            asked.chooser("metric", "Metric", METRICS),
        ),
    )


def _facts(model: Model) -> Facts:
    n = model.trained_on.get("interactions")
    return Facts(
        "In short",
        (
            ("State", State(model.state, _TONES.get(model.state, "plain")), "text"),
            ("Kind", "as the preset says" if model.kind == "zero-shot" else "learned", "text"),
            ("Second stage", "yes" if model.has_second_stage else "no", "text"),
            ("Trained on days until", model.trained_until and str(model.trained_until), "text"),
            ("Interactions learned from", n and int(n), "count"),
            ("Training took", model.trained_on.get("seconds"), "seconds"),
            ("Encoder", model.encoder_id, "text"),
            ("Made", model.created_at, "time"),
        ),
    )


def _learned(reader: Reader, asked: Asked, model: Model) -> list[Section]:
    is_learned = model.kind != "zero-shot"
    if is_learned and (not model.size or model.digest is None):
        return [Notice("Its parameters are gone", "A retired model keeps only its row.", "plain")]
    try:
        found = (
            parameters_of(reader, model.model_key, model.size, str(model.digest))
            if is_learned
            else of_preset(model.parameters)
        )
    except Exception as error:  # noqa: BLE001  whatever is said of what are no parameters
        text = f"{first_line(error)}. Train another model, or let a kept one serve."
        return [Notice("Its parameters cannot be read", text, "bad")]
    return sections_of(reader, asked, found)


def _candidates(models: list[Model]) -> Table:
    rows = [_candidate(model) for model in models]
    compared = [model for model in models if "difference" in model.validation]
    values, lows, highs = (
        tuple(float(model.validation[end]) for model in compared)
        for end in ("difference", "ci_low", "ci_high")
    )
    names = tuple(model.model_id for model in compared)
    drawn = Series("candidate", names, values, lows, highs)
    chart = Chart(
        "intervals",
        "Difference in NDCG@10 to the model that served, with 95% intervals",
        "difference in NDCG@10",
        (drawn,),
    )
    return Table(
        "models",
        "Candidates beside what served then",
        (
            *(Column("model"), Column("state"), Column("trained until"), Column("beside")),
            *(Column("NDCG@10", "score"), Column("of the other", "score")),
            *(Column("difference", "signed"), Column("from", "signed"), Column("to", "signed")),
            Column("compared on"),
        ),
        rows,
        empty="None.",
        note="Both replay the same days, which the candidate did not learn from. It serves only if"
        " the whole interval lies above 0.",
        chart=chart if compared else None,
    )


def _candidate(model: Model) -> tuple[Cell, ...]:
    found = model.validation
    state = State(model.state, _TONES.get(model.state, "plain"))
    until = model.trained_until and str(model.trained_until)
    figures = ("rival", "candidate_ndcg", "rival_ndcg", "difference", "ci_low", "ci_high")
    days = f"{found['since']} until {found['until']}" if "since" in found else None
    return (model.model_id, state, until, *map(found.get, figures), days)


def _in_service(reader: Reader, asked: Asked) -> list[Table]:
    """What each variant, stage and baseline was worth over the last nights: a table a target."""
    night = newest_published(reader)
    if night is None:
        return []
    metric = asked.chosen("metric", METRICS)
    found = reader.rows(
        "page_mean_evaluations",
        metric=metric,
        k=K,
        since=night - timedelta(days=_NIGHTS - 1),
        until=night + timedelta(days=1),
    )
    ours = {name for (name,) in reader.rows("page_variant_names")}
    return [
        _of_target(target, [row[1:] for row in found if row[0] == target], ours, metric)
        for target in TARGETS
    ]


def _of_target(target: str, found: list[tuple[Any, ...]], ours: set[str], metric: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (variant, "served" if variant in ours else "baseline", value, n, nights)
        for variant, value, n, nights in found
    ]
    bars = (Bar(variant, value) for variant, value, *_ in found)
    return Table(
        f"in_service_{target}",
        f"In service, last {_NIGHTS} nights: {TARGETS[target]}",
        (
            Column("variant"),
            Column("role"),
            Column(METRICS[metric], "score"),
            Column("user-days", "count"),
            Column("nights", "count"),
        ),
        rows,
        empty="Nothing was measured yet.",
        note="Means over user-days: what each stage and policy that was served is worth, beside"
        " baselines. To see what one part is worth, serve it as a variant, or replay it:"
        " `ebbtide backtest`.",
        chart=Chart(
            "bars", f"{METRICS[metric]} of each variant", METRICS[metric], beside(bars, ours)
        ),
    )
