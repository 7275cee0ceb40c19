"""What a page's script may ask to show blind questions."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from annotator.ui.boundary import server_function
from annotator.ui.contracts import Payload, Services


def probe_functions(services: Services) -> list[Callable[[object, gr.Request], Payload]]:
    """Return `server.probe_due`, `probe_card({card})` and `probe_report`."""
    probing = services.probing

    def probe_due(annotator: str, data: Payload) -> Payload:
        del data
        return probing.due(annotator)

    def probe_card(annotator: str, data: Payload) -> Payload:
        return probing.card(annotator, str(data.get("card", "")))

    def probe_report(annotator: str, data: Payload) -> Payload:
        del annotator, data
        return probing.report()

    actions = {
        "probe_due": probe_due,
        "probe_card": probe_card,
        "probe_report": probe_report,
    }
    return [server_function(name, action) for name, action in actions.items()]
