"""How much of what leads to a person is found, how much else is, and how long that takes.

python -m benchmarks.scrubbing            # a labelled sample: recall and precision by kind
python -m benchmarks.scrubbing --pace     # seconds a megabyte, of ordinary and hostile text
"""

# ruff: noqa: T201  a table is what it is for

import argparse
import time
from collections import Counter
from collections.abc import Iterator

from phonenumbers import NumberParseException, is_valid_number, parse

from benchmarks.labelled_texts import Labelled, labelled_texts
from recsys_tasks.settings import Settings
from recsys_tasks.texts.scrubbing import KINDS, Scrubber

HOSTILE = {
    "digits": "1 ",
    "one number": "1",
    "at signs": "a@",
    "one word": "a",
    "dots": "a@a.",
    "brackets": "(1",
    "plus": "+1",
    "letters of an IBAN": "DE12 ",
    "phones": "030 1234567 ",
    "words for phones": "tel tel.",
    "dashes": "12-",
    "spelt out": " at a dot ",
}


def is_found(text: Labelled, scrubbed: str) -> bool:
    """Whether the text has a mark, and nothing is left of what it held but a word beside it."""
    runs = [run for run in _runs(text.held) if len(run) > 3]
    return "[" in scrubbed and not any(run in _joined(scrubbed) for run in runs)


def _runs(held: str) -> Iterator[str]:
    """Stretches of letters and digits that hold a digit, or belong to an address."""
    parts = held.split("@")
    if len(parts) == 2:
        yield parts[0].strip("<")
    else:
        yield _digits(held)


def _joined(text: str) -> str:
    return text + " " + _digits(text)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def is_dialled(held: str) -> bool:
    """Whether any of the countries would connect it; Faker draws others too."""
    number = held.split("x", maxsplit=1)[0]
    for region in (None, *Settings().phone_regions):
        try:
            if is_valid_number(parse(number, region)):
                return True
        except NumberParseException:
            continue
    return False


def measure(
    n: int, seed: int, scrubber: Scrubber
) -> tuple[Counter[tuple[str, str, str]], list[str]]:
    """How many texts of each kind and form there are, and how many were marked."""
    tally: Counter[tuple[str, str, str]] = Counter()
    missed = []
    for text in labelled_texts(n, seed):
        scrubbed = scrubber.scrub(text.text)
        found = is_found(text, scrubbed) if text.kind in KINDS else scrubbed != text.text
        forms = [text.form]
        if text.form == "as Faker writes it" and is_dialled(text.held):
            forms.append("of those, can be dialled")
        for form in forms:
            tally[text.kind, form, "n"] += 1
            tally[text.kind, form, "marked"] += found
        if found != (text.kind in KINDS):
            missed.append(f"{text.kind:8} {text.form:24} {text.text} -> {scrubbed}")
    return tally, missed


def pace(scrubber: Scrubber) -> None:
    """Print seconds of CPU a megabyte of each hostile text, at two sizes."""
    for name, piece in HOSTILE.items():
        took = []
        for size in (100_000, 200_000):
            text = (piece * size)[:size]
            start = time.process_time()
            scrubber.scrub(text)
            took.append((time.process_time() - start) / size * 1e6)
        print(f"{name:20} {took[0]:8.2f} {took[1]:8.2f} s a megabyte")
    texts = [text.text for text in labelled_texts(5, 3)]
    start = time.process_time()
    for text in texts:
        scrubber.scrub(text)
    print(f"a text of the sample {(time.process_time() - start) / len(texts) * 1e6:8.0f} us")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=40, help="of each country and form")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--pace", action="store_true")
    parser.add_argument("--missed", action="store_true", help="print what was judged wrongly")
    asked = parser.parse_args()
    scrubber = Scrubber(Settings().phone_regions)
    if asked.pace:
        pace(scrubber)
        return
    tally, missed = measure(asked.texts, asked.seed, scrubber)
    for kind, form in dict.fromkeys((kind, form) for kind, form, _ in tally):
        n, marked = tally[kind, form, "n"], tally[kind, form, "marked"]
        print(f"{kind:8} {form:26} {marked:5} of {n:5} marked  {marked / n:.3f}")
    for kind in (*KINDS, "none"):
        forms = {form for of, form, _ in tally if of == kind and not form.startswith("of those")}
        n, marked = (sum(tally[kind, form, what] for form in forms) for what in ("n", "marked"))
        print(f"{kind:8} {'all':26} {marked:5} of {n:5} marked  {marked / n:.3f}")
    if asked.missed:
        print(*missed, sep="\n")


if __name__ == "__main__":
    main()
