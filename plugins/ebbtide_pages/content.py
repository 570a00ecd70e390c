"""A page as data: what a view gives, a template draws and a CSV file holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple

Tone = Literal["good", "bad", "waiting", "plain"]
Form = Literal["text", "count", "number", "score", "signed", "share", "seconds", "time"]


class Link(NamedTuple):
    """A way to another page.

    Attributes:
        text: What it is called.
        page: Name of the page.
        query: Its parameters.
    """

    text: str
    page: str
    query: Mapping[str, str]


class State(NamedTuple):
    """How something stands, in a word that needs no colour to be understood."""

    word: str
    tone: Tone


class Part(NamedTuple):
    """One reason of a score, and its share of all parts; below 0 where it speaks against."""

    text: str
    share: float


class Reasons(NamedTuple):
    """The reason that is told, and what the score consists of; empty where that is unknown."""

    told: str
    parts: tuple[Part, ...] = ()


Cell = str | int | float | date | datetime | Link | State | Reasons | None


class Column(NamedTuple):
    """A column of a table: its heading, and how its cells are written."""

    heading: str
    form: Form = "text"


class Series(NamedTuple):
    """Values along an axis, with intervals where `low` and `high` are not empty.

    Attributes:
        name: In the legend.
        x: Positions: days as ISO text, or names.
        y: Values; None where there is none.
        low: Lower ends of 95% intervals, or empty.
        high: Upper ends, or empty.
        is_ours: Whether it is what is served; baselines are drawn lighter.
        is_hidden: Whether it is drawn only when it is asked for.
    """

    name: str
    x: tuple[str, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    is_ours: bool = True
    is_hidden: bool = False


class Chart(NamedTuple):
    """A picture of a table.

    Attributes:
        kind: `lines` over days; `bars` or `stacked` bars over x; `intervals`: values lie along the
            axis, names below each other, with a line at 0.
        title: What it shows, for who cannot see it.
        unit: Of the values.
        series: What is drawn.
    """

    kind: Literal["lines", "bars", "stacked", "intervals"]
    title: str
    unit: str
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Table:
    """Rows under headings; a CSV file of the same name has the same.

    Attributes:
        name: Of the file, and in links.
        title: Over it.
        columns: Its columns.
        rows: Its rows, each as long as `columns`.
        empty: What is said where there are no rows.
        note: What has to be known to read it.
        chart: A picture of it.
        more: Where there is more of it.
        is_folded: Whether it is shown only when it is asked for; None for where it has a chart.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[Cell, ...]]
    empty: str
    note: str = ""
    chart: Chart | None = None
    more: tuple[Link, ...] = ()
    is_folded: bool | None = None
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Facts:
    """A few things to know, side by side."""

    title: str
    facts: tuple[tuple[str, Cell, Form], ...]
    kind: Literal["facts"] = "facts"


class Card(NamedTuple):
    """An interest: what it is called, what it means, the words in it and its items."""

    title: str
    lead: str
    words: tuple[str, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Cards:
    """Cards side by side, or one line where there are none."""

    title: str
    note: str
    cards: tuple[Card, ...]
    empty: str
    kind: Literal["cards"] = "cards"


@dataclass(frozen=True)
class Notice:
    """Something that has to be known: what happened, and what to do."""

    title: str
    text: str
    tone: Tone = "plain"
    links: tuple[Link, ...] = ()
    kind: Literal["notice"] = "notice"


Section = Table | Facts | Cards | Notice


class Option(NamedTuple):
    """One of the values that a chooser offers."""

    value: str
    text: str


class Chooser(NamedTuple):
    """A list to choose from: the name of the parameter, what it is called, the choice so far."""

    name: str
    label: str
    options: tuple[Option, ...]
    chosen: str


class Field(NamedTuple):
    """A field to type an id or a name into; `kind` says of what, for suggestions."""

    name: str
    label: str
    kind: Literal["user", "item"]
    value: str


class Action(NamedTuple):
    """A run that may be started, by who may, through Airflow's own API.

    Attributes:
        label: On the button.
        explanation: What it will do, before it is confirmed.
        dag: Base id of the DAG.
        conf: Of the run.
    """

    label: str
    explanation: str
    dag: str
    conf: Mapping[str, str]


@dataclass(frozen=True)
class Page:
    """What a view gives.

    Attributes:
        name: Of the page, as in its address.
        title: Its heading.
        lead: What it is about, in a sentence.
        sections: Top to bottom.
        fields: Of the form at the top.
        choosers: Likewise.
        query: Parameters of the form that stay as they are.
        actions: Runs that may be started here.
        status: Of HTTP.
    """

    name: str
    title: str
    lead: str
    sections: tuple[Section, ...]
    fields: tuple[Field, ...] = ()
    choosers: tuple[Chooser, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    status: int = 200

    def table(self, name: str) -> Table | None:
        """The table of a name; None where there is none."""
        tables = (section for section in self.sections if isinstance(section, Table))
        return next((table for table in tables if table.name == name), None)
