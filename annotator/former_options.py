"""What options of the command line were called before, and what says the same now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typer.core import TyperGroup

FORMER: Mapping[tuple[str, str], str] = {
    ("certify plan", "--max-lost"): (
        "--max-lost has become --recall: say --recall 0.9 instead of --max-lost 0.1."
    ),
    ("certify plan", "--max-error"): (
        "--max-error has become --precision: say --promise precision-recall --precision 0.95 "
        "instead of --max-error 0.05."
    ),
    ("serve", "--no-no-worker"): (
        "--no-no-worker is gone: the background trainer starts unless you say --no-worker."
    ),
}
"""What to say about an option that was renamed or removed, by command and option.

The `annotator` of the command is left out. Settings would be told of by `setting_fields.sentence`;
none was renamed or removed so far.
"""


class FormerOptionsGroup(TyperGroup):
    """The commands, which answer a former option with its new name."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            # Typer keeps the exception of an unknown option to itself, so it is known by its parts.
            context, option = getattr(error, "ctx", None), getattr(error, "option_name", None)
            if context is not None and (said := FORMER.get((_command(context), str(option)))):
                vars(error).update(message=said, possibilities=None)
            raise


def _command(context: Any) -> str:
    """Return the names of a command and its groups, such as `certify plan`."""
    names = []
    while context.parent is not None:
        names.append(str(context.info_name))
        context = context.parent
    return " ".join(reversed(names))
