"""Settings, Suggestions and training: what `project.toml` says, one sentence each."""

from __future__ import annotations

from typing import Any

import gradio as gr

from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.contracts import Payload, Services
from annotator.ui.settings_views import plain

TITLES = {
    "name": "Name of the project",
    "description": "Description",
    "suggestions.threshold": "Suggest from this probability on",
    "probes.share": "Share of blind questions",
    "method": "Method",
    "goal.coverage": "Answered or filled in",
    "goal.error": "Expected error",
    "retraining.automatic": "Train by itself",
    "retraining.min_answers": "New answers",
    "retraining.min_present": "New present answers",
    "retraining.min_share": "Share of new answers",
    "retraining.every_hours": "Hours",
    "retraining.keep_versions": "Versions to keep",
    "retraining.finetune": "Fine-tuning",
}
PARTS = (
    ("The project", ("name", "description")),
    ("Questions", ("suggestions.threshold", "probes.share")),
    ("When the project is done", ("goal.coverage", "goal.error")),
    ("Method", ("method",)),
    ("Training", ("retraining.automatic", "retraining.finetune")),
    (
        "When a new version is due",
        (
            *("retraining.min_answers", "retraining.min_present", "retraining.min_share"),
            *("retraining.every_hours", "retraining.keep_versions"),
        ),
    ),
)
NOW = "Takes effect at once, on the version in use, without a training."


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
        kinds = {r["key"]: type(r["value"]) for r in row["settings"]}
        widgets = []
        for title, keys in PARTS:
            gr.Markdown(f"### {title}")
            with gr.Row(elem_classes="st-form"):
                widgets += [self._widget(k, kinds[k], helps[k], row["methods"]) for k in keys]
        backbone = gr.Markdown(elem_classes="st-note")
        with gr.Row(elem_classes="pg-actions"):
            save = gr.Button("Save", variant="primary", elem_id="preference-save", scale=0)
        said = gr.Markdown(elem_id="preference-said", elem_classes="st-said")
        quiet: dict[str, Any] = {"show_progress": "hidden", "queue": False}
        private: dict[str, Any] = {"api_visibility": "private"}
        demo.load(shows_errors(self.show), None, [*widgets, backbone], **quiet, **private)
        save.click(shows_errors(self.save), widgets, said, **private)

    def _widget(self, key: str, kind: type, help_text: str, methods: list[Payload]) -> Any:
        common: dict[str, Any] = {
            "label": TITLES[key],
            "info": f"{help_text} {NOW}" if key == "suggestions.threshold" else help_text,
            "elem_id": f"preference-{key.replace('.', '-')}",
            "min_width": 240,
        }
        if key == "method":
            common["info"] = " ".join(f"`{m['name']}` {m['does']}." for m in methods)
            return gr.Dropdown([m["name"] for m in methods], **common)
        if key == "retraining.finetune":
            return gr.Dropdown(["auto", "never", "always"], **common)
        if kind is bool:
            return gr.Checkbox(**common)
        if kind is str:
            return gr.Textbox(**common)
        step = 1 if kind is int else 0.05
        return gr.Number(step=step, precision=0 if kind is int else None, **common)


def _backbone(name: str) -> str:
    return (
        f"Backbone: `{name.replace('`', '')}`. Another one needs new features of every picture: "
        "change `backbone` in project.toml, then run `annotator embed`."
    )
