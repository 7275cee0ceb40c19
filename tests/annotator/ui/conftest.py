"""The web app on services in memory."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

import pytest
from PIL import Image
from starlette.testclient import TestClient

import annotator.ui  # noqa: F401 - before a test imports Gradio; see `gradio_stubs.py`
from annotator.services.app import Services
from annotator.services.project.creation import create_project

PORT = 7860
MAX_UPLOAD = 1_000_000


@pytest.fixture(scope="session")
def fakes(load_module: Callable[[Path], ModuleType]) -> ModuleType:
    return load_module(Path(__file__).with_name("fake_services.py"))


def _made(fakes: ModuleType, folder: Path, shared: Services) -> Any:
    names = (
        "curation", "preferences", "image_roots", "removed_images", "resaved_images", "people",
        "exchange", "backups",
    )  # fmt: skip
    return fakes.fake_services(folder, **{name: getattr(shared, name) for name in names})


class Part:
    """One part of the services of the running test, looked up when it is called."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage, self._name = stage, name

    def __getattr__(self, name: str) -> Any:
        # The app keeps what it was given when it was built, so nothing may be looked up earlier.
        return lambda *args, **kwargs: getattr(getattr(self._stage.current, self._name), name)(
            *args, **kwargs
        )


class Stage:
    """Passes every call on to the services of the running test, so that one app serves them all."""

    def __init__(self) -> None:
        self.current: Any = None

    def show(self, services: Any) -> None:
        self.current = services

    def __getattr__(self, name: str) -> Any:
        return Part(self, name)


@pytest.fixture(scope="session")
def stage() -> Stage:
    return Stage()


@pytest.fixture
def services(fakes: ModuleType, tmp_path: Path, stage: Stage, shared: Services) -> Any:
    made = _made(fakes, tmp_path, shared)
    stage.show(made)
    return made


@pytest.fixture(scope="session")
def made_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of six pictures and three categories, to be copied."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "pictures").mkdir()
    for number in range(6):
        picture = Image.new("RGB", (40 + number, 30), (number * 40, 90, 120))
        picture.save(folder / "pictures" / f"{number}.png")
    names = ("cat", "dog", "bird")
    return create_project(folder / "project", folder / "pictures", names=names).project.path


def _copied(made_project: Path, folder: Path) -> Iterator[Services]:
    shutil.copytree(made_project.parent, folder)
    opened = Services.open(folder / made_project.name)
    yield opened
    opened.close()


@pytest.fixture
def real(made_project: Path, tmp_path: Path) -> Iterator[Services]:
    """Real services of a small project of the test's own."""
    yield from _copied(made_project, tmp_path / "real")


@pytest.fixture(scope="session")
def shared(made_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Real services of a small project that no test changes."""
    yield from _copied(made_project, tmp_path_factory.mktemp("shared") / "copy")


def run(act: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine in a thread: browser tests of the same run keep a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(act())).result()


@pytest.fixture
def run_async() -> Callable[..., Any]:
    return run


def _build(services: Any, files: Any, **options: Any) -> Any:
    async def build() -> Any:
        from annotator.ui.app import build_app

        return build_app(services, port=PORT, files=files, **options)

    # In a running loop: without one Gradio opens loops and never closes them.
    return run(build)


def _web_files(folder: Path) -> Any:
    from annotator.ui.web.files import WebFiles

    return WebFiles(MAX_UPLOAD, folder)


@pytest.fixture(scope="session")
def web_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Where the shared app keeps uploads and downloads."""
    files = _web_files(tmp_path_factory.mktemp("web"))
    yield files
    files.close()


@pytest.fixture(scope="session")
def app(
    stage: Stage,
    fakes: ModuleType,
    shared: Services,
    web_files: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    stage.show(_made(fakes, tmp_path_factory.mktemp("first"), shared))
    return _build(stage, web_files)


@pytest.fixture
def client(app: Any, services: Any, web_files: Any) -> TestClient:  # noqa: ARG001 - in place
    web_files.use_in_gradio()  # another app may have chosen its own folder since
    return TestClient(app, base_url=f"http://127.0.0.1:{PORT}")


@pytest.fixture
def make_client(services: Any, tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """Return a maker of clients that talk to an app of their own."""
    with ExitStack() as stack:

        def make(**options: Any) -> TestClient:
            files = _web_files(tmp_path)
            stack.callback(files.close)
            app = _build(services, files, **options)
            return TestClient(app, base_url=f"http://127.0.0.1:{PORT}")

        yield make
