"""What is wrong with a value, in one line."""

from pydantic import ValidationError

from recsys_tasks.settings.options import Settings, variable_of


def problem_of(error: ValidationError) -> str:
    """What is wrong, in one line, without any value: one of them may hold a password."""
    return "; ".join(
        f"{_place(detail['loc'])}: {detail['msg'].removeprefix('Value error, ')}"
        for detail in error.errors(include_url=False, include_input=False)
    )


def _place(location: tuple[int | str, ...]) -> str:
    """The variable of a setting, and the path inside it."""
    head, *path = map(str, location or ("settings",))
    name = variable_of(head) if head in Settings.model_fields else head
    return ".".join([name, *path])
