"""The Probe page: what probes are for, how many were answered, and cards in a row."""

from __future__ import annotations

import gradio as gr

from annotator.services.app import Services
from annotator.ui.label_page import label_functions
from annotator.ui.work_screen import work_screen

STYLES = ("shared/work_screen", "probe/probe")
"""Style sheets of the page, without `.css`."""


def build_probe_page(services: Services, *, scripts: str) -> gr.HTML:
    """Put the page into the open Blocks; everything it shows is drawn in `static/probe`.

    Args:
        services: Of the open project.
        scripts: Address of the folder with the scripts and styles.
    """
    return work_screen(
        scripts=scripts,
        script="probe/probe_page",
        component="ProbePage",
        styles=STYLES,
        functions=label_functions(services),
        name="probe",
    )
