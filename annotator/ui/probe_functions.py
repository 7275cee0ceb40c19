"""What a page's script may ask to show probes."""

from __future__ import annotations

from annotator.services.app import Services
from annotator.ui.boundary import ServerFunction, server_function
from annotator.wire.leases import Released
from annotator.wire.probe import (
    ProbeCard,
    ProbeCardRequest,
    ProbeDue,
    ProbeDueRequest,
    ProbeReleaseRequest,
    ProbeReport,
)
from annotator.wire.request import Request


def probe_functions(services: Services) -> list[ServerFunction]:
    """Return `server.probe_due`, `probe_card`, `probe_release` and `probe_report`."""
    probing = services.probing

    def probe_due(annotator: str, request: ProbeDueRequest) -> ProbeDue:
        return probing.due(annotator, request)

    def probe_card(annotator: str, request: ProbeCardRequest) -> ProbeCard:
        return probing.card(annotator, request.card)

    def probe_release(annotator: str, request: ProbeReleaseRequest) -> Released:
        del annotator
        probing.release(request.card)
        return {}

    def probe_report(annotator: str, request: Request) -> ProbeReport:
        del annotator, request
        return probing.report()

    return [
        server_function("probe_due", ProbeDueRequest.read, probe_due),
        server_function("probe_card", ProbeCardRequest.read, probe_card),
        server_function("probe_release", ProbeReleaseRequest.read, probe_release),
        server_function("probe_report", Request.read, probe_report),
    ]
