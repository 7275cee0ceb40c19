"""The pages behind a real nginx: any host name and path, and what a proxy says in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from annotator.services.project.creation import create_project
from database import rows

WAYS = {
    "default host": ("http", "/", "proxy_pass http://APP;"),
    "host passed": ("http", "/", "proxy_pass http://APP; proxy_set_header Host $http_host;"),
    "host without port": ("http", "/", "proxy_pass http://APP; proxy_set_header Host $host;"),
    "upstream name": ("http", "/", "proxy_pass http://backend;"),
    "path cut off": ("http", "/annot/", "proxy_pass http://APP/;"),
    "two slashes left": ("http", "/annot/", "rewrite ^/annot(/.*)$ /$1 break; proxy_pass http://APP;"),
    "path kept": ("http", "/labels/", "proxy_pass http://APP;"),
    "https": (
        "https",
        "/labels/",
        "proxy_pass http://APP; proxy_set_header Host $http_host; "
        "proxy_set_header X-Forwarded-Proto $scheme;",
    ),
}  # fmt: skip
"""Scheme, path and directives of each way in; all lead to one server."""

PAGES = ("verify", "probe", "review", "progress", "train", "certify", "export", "settings")
SOMETHING = ".an-root [class]:not(.an-waiting, .an-waiting *), .pg, h2, [role=tabpanel]"
"""What a page shows, but for the lines about unsaved answers, which are usually empty."""


@pytest.fixture(scope="module")
def nginx(load_module: Callable[[Path], ModuleType]) -> ModuleType:
    module = load_module(Path(__file__).with_name("nginx.py"))
    if module.find_nginx() is None:
        pytest.skip("no nginx: run scripts/ensure-nginx or set NGINX_PATH=/path/to/nginx")
    return module


@pytest.fixture
def start_nginx(nginx: ModuleType, tmp_path: Path) -> Iterator[Callable[[int, str], None]]:
    started: list[Any] = []

    def start(port: int, directives: str) -> None:
        block = f"server {{ listen 127.0.0.1:{port}; {directives} }}"
        started.append(nginx.Nginx(tmp_path / "nginx", block, [port]))

    yield start
    for each in started:
        each.stop()


@pytest.fixture(scope="module")
def project(twelve_pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("proxy") / "project"
    return create_project(path, twelve_pictures, names=list("abcdefghijkl")).project.path


@pytest.fixture(scope="module")
def ways(
    nginx: ModuleType, serve_once: Callable[..., Any], project: Path
) -> Iterator[dict[str, str]]:
    """Return the address of each way in."""
    folder = project.parent
    app = serve_once(project, "--no-worker", "--open", "--root-path", "/labels")
    certificate, key = nginx.certificate(folder)
    tls = f"ssl_certificate {certificate}; ssl_certificate_key {key};"
    blocks, urls, ports = [f"upstream backend {{ server 127.0.0.1:{app.port}; }}"], {}, []
    for way, (scheme, path, directives) in WAYS.items():
        port = nginx.free_port()
        listen = f"listen 127.0.0.1:{port}{' ssl' if scheme == 'https' else ''};"
        inside = directives.replace("APP", f"127.0.0.1:{app.port}")
        blocks.append(f"server {{ {listen} {tls} location {path} {{ {inside} }} }}")
        urls[way] = f"{scheme}://localhost:{port}{path}"
        ports.append(port)
    running = nginx.Nginx(folder / "nginx", "\n".join(blocks), ports)
    yield urls
    running.stop()


def watch(page: Page, root: str) -> list[str]:
    """Return a list that grows by what goes wrong: errors, and addresses outside of `root`."""
    wrong: list[str] = []
    page.on("response", lambda r: r.status >= 400 and wrong.append(f"{r.status} {r.url}"))
    page.on("request", lambda r: is_outside(r.url, root) and wrong.append(f"outside: {r.url}"))
    return wrong


def answer_one(page: Page) -> None:
    """Say that the first category asked about is present, and wait until it is with the server."""
    page.wait_for_function(
        "document.querySelector('.an-image')?.naturalWidth > 0"
    )  # answers wait for it
    page.keyboard.press("1")
    expect(page.locator(".an-row[aria-checked=true]").first).to_be_visible()
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.includes('unsaved'))")


def answered_by(project: Path, name: str) -> int:
    query = "select count(*) from operation join annotator on annotator.id = annotator_id"
    return int(rows(project, f"{query} where annotator.name = ? and kind = 'answer'", name)[0][0])


def is_outside(url: str, root: str) -> bool:
    return urlsplit(url).scheme.startswith("http") and not url.startswith(root)


@pytest.mark.parametrize("way", WAYS)
def test_a_name_is_said_a_picture_is_seen_and_an_answer_is_saved(
    ways: dict[str, str], project: Path, open_page: Callable[..., Page], way: str
) -> None:
    root = ways[way]
    page = open_page("about:blank", name=None, ignore_https_errors=True)
    wrong = watch(page, root)

    page.goto(root)
    page.get_by_role("textbox", name="Your name").fill(f"Ann of {way}")
    page.get_by_role("button", name="Start labelling").click()
    expect(page.locator(".an-asking .an-row").first).to_be_visible()
    answer_one(page)

    assert answered_by(project, f"Ann of {way}") == 1
    cookies = page.context.cookies()
    assert [c["path"] for c in cookies] == [urlsplit(root).path.rstrip("/") or "/"]
    assert wrong == []


@pytest.mark.slow
def test_every_page_asks_below_its_own_address_only(
    ways: dict[str, str], open_page: Callable[..., Page]
) -> None:
    root = ways["path cut off"]
    page = open_page("about:blank", name=None, ignore_https_errors=True)
    page.context.add_cookies([{"name": "annotator_name", "value": "Ann", "url": root}])
    wrong = watch(page, root)

    page.goto(root)
    for name in PAGES:
        page.get_by_role("link", name=name.capitalize(), exact=True).first.click()
        page.wait_for_url(f"{root}{name}*")
        expect(page.locator(SOMETHING).first).to_be_visible()
    page.goto(f"{root}verify/")

    assert page.url == f"{root}verify"
    assert wrong == []


@pytest.mark.parametrize("way", ["path kept", "https"])
def test_files_go_in_and_out(
    ways: dict[str, str], open_page: Callable[..., Page], tmp_path: Path, way: str
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,cat,dog\n05.png,1,0\n")
    page = open_page("about:blank", name=None, ignore_https_errors=True)
    page.context.add_cookies([{"name": "annotator_name", "value": "Ann", "url": ways[way]}])
    wrong = watch(page, ways[way])

    page.goto(f"{ways[way]}export")
    expect(page.locator("#import-file input[type=file]")).to_be_attached()
    page.set_input_files("#import-file input[type=file]", labels)
    expect(page.locator("#import-preview")).to_contain_text("1 of 1 listed image ")
    page.locator("#export-write").click()
    expect(page.locator("#export-said")).to_contain_text("labels_all.json")
    with page.expect_download() as download:
        page.locator(".file-preview a").first.click()

    assert '"05.png"' in Path(download.value.path()).read_text()
    assert wrong == []


def test_a_name_that_the_server_does_not_know_is_refused_with_the_option_that_lets_it_in(
    nginx: ModuleType,
    start_nginx: Callable[[int, str], None],
    serve: Callable[..., Any],
    twelve_pictures: Path,
    open_page: Callable[..., Page],
    tmp_path: Path,
) -> None:
    create_project(tmp_path / "project", twelve_pictures, names=["cat", "dog"])
    port = nginx.free_port()
    public = f"http://label.example:{port}"
    server = serve(tmp_path / "project", "--no-worker")
    start_nginx(port, f"location / {{ proxy_pass http://127.0.0.1:{server.port}; }}")

    page = open_page(f"{public}/")
    expect(page.locator(".an-status")).to_contain_text(
        f"start the server with --public-url {public}"
    )
    server.stop()
    expect(page.locator(".an-trainer")).to_contain_text("502 Bad Gateway")
    server.command = (*server.command, "--public-url", public)
    server.start()

    expect(page.locator(".an-asking .an-row").first).to_be_visible()
    answer_one(page)
    assert answered_by(tmp_path / "project", "Ann") == 1


@pytest.mark.parametrize(
    "answer",
    [
        "return 200 '<!doctype html>Sign in'; default_type text/html;",
        "return 302 http://a.example;",
    ],
)
def test_while_a_proxy_wants_a_sign_in_answers_wait_and_the_page_says_so(
    nginx: ModuleType,
    start_nginx: Callable[[int, str], None],
    serve: Callable[..., Any],
    twelve_pictures: Path,
    open_page: Callable[..., Page],
    tmp_path: Path,
    answer: str,
) -> None:
    create_project(tmp_path / "project", twelve_pictures, names=["cat", "dog"])
    port = nginx.free_port()
    server = serve(tmp_path / "project", "--no-worker", "--open")
    passed = f"proxy_pass http://127.0.0.1:{server.port};"
    start_nginx(
        port,
        f"error_page 418 = @out; location @out {{ {answer} }}\n"
        f"location / {{ {passed} }}\n"
        f"location /gradio_api/ {{ if ($cookie_out) {{ return 418; }} {passed} }}",
    )
    url = f"http://localhost:{port}/"
    page = open_page(url)
    expect(page.locator(".an-asking .an-row").first).to_be_visible()

    page.context.add_cookies([{"name": "out", "value": "1", "url": url}])
    page.keyboard.press("1")
    expect(page.locator(".an-trainer")).to_contain_text("sign in")
    expect(page.locator(".an-saved")).to_contain_text("1 answer waits")
    page.context.clear_cookies(name="out")

    expect(page.locator(".an-saved")).to_have_text("saved")
    expect(page.locator(".an-trainer")).not_to_contain_text("sign in")


def test_a_file_that_a_proxy_finds_too_large_is_refused_with_its_reason(
    nginx: ModuleType,
    start_nginx: Callable[[int, str], None],
    ways: dict[str, str],
    open_page: Callable[..., Page],
    tmp_path: Path,
) -> None:
    port = nginx.free_port()
    start_nginx(
        port, f"client_max_body_size 8k; location / {{ proxy_pass {ways['path cut off']}; }}"
    )
    labels = tmp_path / "labels.csv"
    labels.write_text("file,cat\n" + "05.png,1\n" * 2_000)
    page = open_page(f"http://localhost:{port}/export")

    expect(page.locator("#import-file input[type=file]")).to_be_attached()
    page.set_input_files("#import-file input[type=file]", labels)

    expect(page.locator("#annotator-notice")).to_contain_text("client_max_body_size")
    expect(page.locator("#import-take")).to_be_disabled()
