"""The web app on services in memory."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import pytest
from starlette.testclient import TestClient

PORT = 7860


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    return _load("fake_services")


@pytest.fixture
def services(fakes: ModuleType, tmp_path: Path) -> Any:
    return fakes.fake_services(tmp_path)


@pytest.fixture
def make_client(services: Any) -> Iterator[Callable[..., TestClient]]:
    """Return a maker of clients that talk to a freshly built app."""
    from annotator.ui.app import build_app

    clients: list[TestClient] = []

    async def build(options: dict[str, Any]) -> Any:
        return build_app(services, port=PORT, **options)

    def make(**options: Any) -> TestClient:
        # Inside a running loop: outside of one Gradio opens loops and never closes them.
        app = asyncio.run(build(options))
        clients.append(TestClient(app, base_url=f"http://127.0.0.1:{PORT}"))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()
