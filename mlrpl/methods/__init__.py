"""The registry of methods: one paper per file, found by name, imported only when one is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

if TYPE_CHECKING:
    from mlrpl.data import Dimensions
    from mlrpl.methods.base import Method

    M = TypeVar("M", bound=type[Method])

Size = Literal["tool", "paper"]
"""The sizes of a method: what a laptop trains, and what was published."""

_MODULES = {
    "curriculum": "mlrpl.methods.curriculum",
    "hst": "mlrpl.methods.hst",
    "kernel_ridge": "mlrpl.methods.kernel_ridge",
    "partial_bce": "mlrpl.methods.partial_bce",
    "sarb": "mlrpl.methods.sarb",
}
"""Where the methods that come with this library live; importing a module registers its method."""

_METHODS: dict[str, tuple[type[Method], type]] = {}


@dataclass(frozen=True)
class MethodDescription:
    """What `mlrpl methods` says about one method."""

    name: str
    summary: str
    paper: str
    needs_tokens: bool
    options: dict[str, Any]
    """Default of every option."""
    training: dict[str, Any]
    """Default of every training setting."""


def register(name: str, config_class: type) -> Callable[[M], M]:
    """Return a decorator that makes a method known by a name.

    Raises:
        ValueError: If the name is taken.
    """

    def add(method_class: M) -> M:
        if name in _METHODS:
            raise ValueError(
                f"method {name!r} is already registered by {_METHODS[name][0].__module__}"
            )
        _METHODS[name] = (method_class, config_class)
        return method_class

    return add


def names() -> list[str]:
    """Return the known methods' names, sorted; imports none of them."""
    return sorted({*_MODULES, *_METHODS})


def describe(name: str) -> MethodDescription:
    """Return what is to be said about a method.

    Raises:
        ValueError: If no method has this name.
    """
    method_class, config_class = _entry(name)
    training = method_class.default_training()
    return MethodDescription(
        name=name,
        summary=(method_class.__doc__ or "").strip().splitlines()[0],
        paper=method_class.paper,
        needs_tokens=method_class.needs_tokens,
        options={f.name: _default(f) for f in fields(config_class)},
        training={f.name: getattr(training, f.name) for f in fields(training)},
    )


def build(
    name: str,
    dimensions: Dimensions,
    options: Mapping[str, Any] | None = None,
    *,
    category_names: Sequence[str] | None = None,
    backbone: str | None = None,
    size: Size = "tool",
) -> Method:
    """Return an untrained method.

    Args:
        name: One of `names()`.
        dimensions: The sizes it is built for.
        options: Values for fields of the method's config; the others keep their defaults.
        category_names: The categories' names in column order, for methods that read them.
        backbone: Name of the network that made the features. With it and the categories' names, a
            method may use what the network's own classes say about these names.
        size: `paper` starts from the config's `paper()`, so that `options` change the published
            sizes; a method without one has a single size.

    Raises:
        ValueError: If the name, the size or an option is unknown, or an option's value is not
            allowed.
    """
    method_class, config_class = _entry(name)
    known = [f.name for f in fields(config_class)]
    for option in options or {}:
        if option not in known:
            raise ValueError(
                f"method {name!r} has no option {option!r}; known: {', '.join(known) or 'none'}"
            )
    if category_names is not None and len(category_names) != dimensions.categories:
        raise ValueError(
            f"{len(category_names)} category names for {dimensions.categories} categories; "
            "give one name a column"
        )
    config = replace(_sized(config_class, size), **(options or {}))
    method: Method = method_class(dimensions, config, category_names=category_names)  # type: ignore[call-arg]
    if category_names is not None and backbone is not None:
        method.learn_names(category_names, backbone)
    return method


def _entry(name: str) -> tuple[type[Method], type]:
    if name in _MODULES:
        import_module(_MODULES[name])
    try:
        return _METHODS[name]
    except KeyError:
        raise ValueError(f"unknown method {name!r}; known: {', '.join(names())}") from None


def _sized(config_class: type, size: str) -> Any:
    if size not in get_args(Size):
        raise ValueError(f"unknown size {size!r}; known: {', '.join(get_args(Size))}")
    paper = getattr(config_class, "paper", None)
    return config_class() if size == "tool" or paper is None else paper()


def _default(field: Any) -> Any:
    return field.default if field.default is not MISSING else field.default_factory()
