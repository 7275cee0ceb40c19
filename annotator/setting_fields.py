"""What people are told about a setting: what it may be, and in one sentence what was wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

_KINDS: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list[str]: "a list of texts",
    dict[str, str]: "a table of texts",
    dict[str, list[str]]: "a table of lists of texts",
}
_BOUNDS = {"gt": "above", "ge": "of at least", "lt": "below", "le": "up to"}


def named_fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield every setting with its name, which is `table.name` for those of a table."""
    for name, info in model.model_fields.items():
        table = table_of(info)
        if table is None:
            yield prefix + name, info
        else:
            yield from named_fields(table, f"{prefix}{name}.")


def table_of(info: FieldInfo) -> type[BaseModel] | None:
    """Return the settings below a name of `project.toml`, None if it has a value of its own."""
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def allowed(info: FieldInfo) -> str:
    """Return what a setting may be, such as `a number above 0 and below 1`."""
    if table_of(info) is not None:
        return "a table"
    if get_origin(info.annotation) is Literal:
        *others, last = map(str, get_args(info.annotation))
        return f"{', '.join(others)} or {last}"
    if info.examples:
        *others, last = map(str, info.examples)
        return f"{', '.join(others)} or two values such as {last}"
    kind = _KINDS[info.annotation]
    bounds = {name: getattr(m, name) for m in info.metadata for name in _BOUNDS if hasattr(m, name)}
    if bounds.keys() == {"ge", "le"}:
        return f"{kind} from {bounds['ge']} to {bounds['le']}"
    limits = " and ".join(f"{_BOUNDS[name]} {bound}" for name, bound in bounds.items())
    return f"{kind} {limits}".rstrip()


def sentence(error: ValidationError, model: type[BaseModel], *, titles: bool = False) -> str:
    """Return in one sentence what is wrong, the first thing if there are several.

    Args:
        error: From validating `model`.
        model: All settings.
        titles: Name a setting as the pages do, not as `project.toml` does.
    """
    first = error.errors(include_url=False, include_context=False)[0]
    prefix, place = "", list(first["loc"])
    while len(place) > 1 and (inner := table_of(model.model_fields[str(place[0])])):
        prefix, model = f"{prefix}{place.pop(0)}.", inner
    name, *within = place
    if first["type"] == "extra_forbidden":
        return _unknown(str(name), prefix, model)
    info = model.model_fields[str(name)]
    key, kind, wanted = f"{prefix}{name}", info.annotation, allowed(info)
    for step in within:
        key += f"[{step}]" if isinstance(step, int) else f".{step}"
        kind = get_args(kind)[-1]
        wanted = _KINDS[kind]
    if titles:
        said = "nothing" if first["input"] is None else repr(first["input"])
        return f"{info.title} must be {wanted}, not {said}."
    return f"setting {key!r} must be {wanted}, got {first['input']!r}"


def _unknown(name: str, prefix: str, model: type[BaseModel]) -> str:
    near = difflib.get_close_matches(name, model.model_fields, n=1)
    hint = f"did you mean {prefix + near[0]!r}? " if near else ""
    known = ", ".join(prefix + each for each in model.model_fields)
    return f"unknown setting {prefix + name!r}; {hint}known: {known}"
