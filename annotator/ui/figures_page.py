"""What pages of figures share: how their widgets are set up, and when they are drawn anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gradio as gr
import pandas as pd
from typing_extensions import TypedDict

from annotator.services.app import Services
from annotator.ui.charts import Chart

QUIET: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "queue": False,
}
LOOK_SECONDS = 1.5
"""How often a page asks whether anything has changed."""

COUNT_SECONDS = 8.0
"""How long charts and tables may stay behind the answers; a new version shows at once."""

PLAIN: dict[str, Any] = {"apply_default_css": False, "js_on_load": None}


class Seen(TypedDict):
    """What an open page shows."""

    version: object
    """And whatever else shows at once."""
    known: object
    """Numbers of known pairs."""
    at: float
    """When it was drawn."""


class FiguresPage:
    """A page that follows versions and answers; its handlers call services and draw."""

    def __init__(
        self, services: Services, *, now: Callable[[], float] = time.monotonic, styles: str = ""
    ) -> None:
        """Tie the page to an open project.

        Args:
            services: Of the open project.
            now: Seconds on a clock that never goes back.
            styles: Address of `pages.css`.
        """
        self._progress = services.progress
        self._now = now
        self._head = f'<link rel="stylesheet" href="{styles}">' if styles else None

    def _seen(self, version: object, known: object) -> Seen:
        return {"version": version, "known": known, "at": self._now()}

    @staticmethod
    def _is_due(seen: Seen | None, now: Seen) -> bool:
        """Whether a page that shows one thing is to show another."""
        if seen is None or now["version"] != seen["version"]:
            return True
        moved = now["known"] != seen["known"]
        return moved and now["at"] - seen["at"] >= COUNT_SECONDS


def table(rows: pd.DataFrame) -> Any:
    """Return the update of a table that is hidden while it has no row."""
    return gr.update(value=rows, visible=len(rows) > 0)


def plot(chart: Chart | None) -> Any:
    """Return the update of a plot that is hidden while there is nothing to draw."""
    return gr.update(value=chart, visible=chart is not None)
