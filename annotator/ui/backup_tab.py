"""Settings, Backup: the whole project but its images as one file to download."""

from __future__ import annotations

from typing import Any

import gradio as gr

from annotator.services.app import Services
from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.web.files import download_folder

BAR = gr.Progress()
"""Drawn while the backup is made."""

NOTE = (
    "One zip file with settings, labels, versions and certificates; the images are not in it. You "
    "can go on labelling meanwhile. `annotator restore FILE NEW_PROJECT` makes a project of it, "
    "and `annotator backup PROJECT FOLDER --keep 14` makes one every night."
)


class BackupTab:
    """Handlers of the tab."""

    def __init__(self, services: Services) -> None:
        self._backups = services.backups

    def make(
        self, features: bool, request: gr.Request, progress: gr.Progress = BAR
    ) -> tuple[dict[str, Any], str]:
        """Make a backup and return it for download, with a sentence."""
        annotator_of(request)
        file = self._backups.make(
            download_folder(),
            features=features,
            on_progress=lambda done, total, stage: progress((done, total), desc=stage),
        )
        shown: dict[str, Any] = gr.update(value=str(file), visible=True)
        return shown, "The backup was made and checked. Download it within an hour."

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open tab and wire them."""
        del demo  # nothing to load
        gr.Markdown(NOTE, elem_classes="st-note")
        features = gr.Checkbox(
            label="With the features of the images",
            info="Without them the file is smaller; the trainer computes them again.",
            elem_id="backup-features",
        )
        with gr.Row(elem_classes="pg-actions"):
            make = gr.Button("Make a backup", variant="primary", elem_id="backup-make", scale=0)
        said = gr.Markdown(elem_id="backup-said", elem_classes="st-said")
        file = gr.File(label="Backup", interactive=False, visible=False, elem_id="backup-file")
        make.click(shows_errors(self.make), features, [file, said], api_visibility="private")
