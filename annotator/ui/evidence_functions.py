"""What a page's script may ask to learn why a category is suggested."""

from __future__ import annotations

from annotator.services.app import Services
from annotator.ui.boundary import ServerFunction, server_function
from annotator.wire.evidence import Evidence
from annotator.wire.label import PairRequest


def evidence_functions(services: Services) -> list[ServerFunction]:
    """Return `server.evidence({image, category})`; see `boundary.server_function`."""

    def evidence(annotator: str, request: PairRequest) -> Evidence:
        del annotator
        return services.evidence.of(request.image, request.category)

    return [server_function("evidence", PairRequest.read, evidence)]
