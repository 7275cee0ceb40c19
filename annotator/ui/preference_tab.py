"""Settings, Suggestions and training: what `project.toml` says, one sentence each."""

from __future__ import annotations

from typing import Any

import gradio as gr

from annotator.services.app import Services
from annotator.services.project.settings import NamedMethod
from annotator.settings import FIELDS
from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.settings_views import plain

PARTS = (
    ("Project", ("name", "description")),
    ("Suggestions", ("suggestions.aim", "suggestions.threshold", "suggestions.precision")),
    ("Image order and probes", ("asking.strategy", "asking.diversity", "probes.share")),
    ("Keys", ("labelling.enter", "labelling.commit_delay_ms")),
    ("Goal", ("goal.coverage", "goal.error")),
    ("Image files", ("images.grey_range", "images.max_megapixels")),
    ("Method", ("method",)),
    ("Training", ("retraining.automatic", "retraining.finetune")),
    (
        "When to retrain",
        (
            *("retraining.min_answers", "retraining.min_present", "retraining.min_share"),
            *("retraining.every_hours", "retraining.keep_versions"),
        ),
    ),
)
CHOICES = {
    "suggestions.aim": {
        "probability": "Probability: one threshold for all categories",
        "f1": "F1: best balance of precision and recall, per category",
        "precision": "Precision: as many suggestions as the target allows, per category",
    },
    "asking.strategy": {
        "present_and_uncertain": "Likely present and uncertain, half each (default)",
        "uncertainty": "Uncertainty sampling: where the model is least sure",
        "likely": "Most likely present: quick to confirm, teaches less",
        "present_first": "Rare categories first: looks for categories with few examples",
        "information_gain": "Information gain: settles other categories of the image",
        "random": "Random: for comparison",
    },
    "labelling.enter": {
        "complete": "Complete the image, then the next one",
        "next": "Next image: what is open stays unknown",
    },
    "retraining.finetune": {"auto": "auto", "never": "never", "always": "always"},
}
"""What a person chooses from, by the value that stands for it in `project.toml`."""

WIDE = ("suggestions.aim", "asking.strategy", "labelling.enter", "images.grey_range")
"""Fields that offer whole sentences."""


class PreferenceTab:
    """Handlers of the tab."""

    def __init__(self, services: Services) -> None:
        self._preferences = services.preferences

    def show(self) -> list[Any]:
        """Return the values as they are, and the line about the backbone."""
        row = self._preferences.rows()
        values = {r["key"]: r["value"] for r in row["settings"]}
        return [*(values[key] for _, keys in PARTS for key in keys), _backbone(row["backbone"])]

    def save(self, request: gr.Request, *values: Any) -> str:
        """Save what is written in the form."""
        annotator_of(request)
        keys = [key for _, part in PARTS for key in part]
        given = dict(zip(keys, values, strict=True))
        return plain(self._preferences.save(given)["message"])

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open tab and wire them."""
        row = self._preferences.rows()
        helps = {r["key"]: r["help"] for r in row["settings"]}
        widgets = []
        for title, keys in PARTS:
            gr.Markdown(f"### {title}")
            with gr.Row(elem_classes="st-form"):
                widgets += [_widget(key, helps[key], row["methods"]) for key in keys]
        backbone = gr.Markdown(elem_classes="st-note")
        with gr.Row(elem_classes="pg-actions"):
            save = gr.Button("Save", variant="primary", elem_id="preference-save", scale=0)
        said = gr.Markdown(elem_id="preference-said", elem_classes="st-said")
        quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False}
        private: dict[str, Any] = {"api_visibility": "private"}
        demo.load(shows_errors(self.show), None, [*widgets, backbone], **quiet, **private)
        save.click(shows_errors(self.save), widgets, said, **private)


def _widget(key: str, help_text: str, methods: list[NamedMethod]) -> Any:
    common: dict[str, Any] = {
        "label": FIELDS[key].title,
        "info": help_text,
        "elem_id": f"preference-{key.replace('.', '-')}",
        "min_width": 420 if key in WIDE else 240,
    }
    if key == "method":
        common["info"] = " ".join(f"`{m['name']}` {m['does']}." for m in methods)
        return gr.Dropdown([m["name"] for m in methods], **common)
    if key in CHOICES:
        return gr.Dropdown([(words, value) for value, words in CHOICES[key].items()], **common)
    kind = FIELDS[key].annotation
    if kind is bool:
        return gr.Checkbox(**common)
    if kind is str:
        return gr.Textbox(**common)
    step = 1 if kind is int else 0.05
    return gr.Number(step=step, precision=0 if kind is int else None, **common)


def _backbone(name: str) -> str:
    return (
        f"Backbone: `{name.replace('`', '')}`. To use another one, change `backbone` in "
        "project.toml and run `annotator embed`, which computes new features for all images."
    )
