"""The Probe page: what blind questions are for, how many were answered, and cards in a row."""

from __future__ import annotations

import gradio as gr

from annotator.ui.contracts import Services
from annotator.ui.label_page import label_functions

STYLES = ("board", "probe")
"""Style sheets of the page, without `.css`."""


def build_probe_page(services: Services, *, scripts: str) -> gr.HTML:
    """Put the page into the open Blocks; everything it shows is drawn by `static/probe_page.js`.

    Args:
        services: Of the open project.
        scripts: Address of the folder with the scripts and styles.
    """
    return gr.HTML(
        html_template="<div class='an-root'></div>",
        js_on_load=(
            f"import('{scripts}/probe_page.js').then("
            "m => new m.ProbePage(element.querySelector('.an-root') ?? element, server));"
        ),
        head="".join(f'<link rel="stylesheet" href="{scripts}/{s}.css">' for s in STYLES),
        # All of them: what the Label page of this tab could not save yet is sent from here.
        server_functions=label_functions(services),
        apply_default_css=False,
        elem_id="probe",
    )
