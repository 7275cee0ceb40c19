"""What a page's script may ask to show probes."""

from __future__ import annotations

from annotator.services.app import Services
from annotator.ui.boundary import ServerFunction, server_function
from annotator.wire.probe import ProbeCard, ProbeCardRequest, ProbeDue, ProbeDueRequest, ProbeReport
from annotator.wire.request import Request


def probe_functions(services: Services) -> list[ServerFunction]:
    """Return `server.probe_due({after})`, `probe_card({card})` and `probe_report`."""
    probing = services.probing

    def probe_due(annotator: str, request: ProbeDueRequest) -> ProbeDue:
        return probing.due(annotator, request)

    def probe_card(annotator: str, request: ProbeCardRequest) -> ProbeCard:
        return probing.card(annotator, request.card)

    def probe_report(annotator: str, request: Request) -> ProbeReport:
        del annotator, request
        return probing.report()

    return [
        server_function("probe_due", ProbeDueRequest.read, probe_due),
        server_function("probe_card", ProbeCardRequest.read, probe_card),
        server_function("probe_report", Request.read, probe_report),
    ]
