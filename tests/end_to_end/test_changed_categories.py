"""Categories that another process changes while pages are open, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Request, expect

from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.settings import load_project
from annotator.wire.recording import SaveRequest
from database import labels, rows
from notices import notice
from publishing import publish

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = ["cat", "dog", "bird", "puppy"]
CAT, DOG, BIRD, PUPPY = 1, 2, 3, 4
Show = Callable[[str], Page]


@pytest.fixture
def project(tmp_path: Path, twelve_pictures: Path) -> Path:
    return create_project(tmp_path / "p", twelve_pictures, names=NAMES).project.path


@pytest.fixture
def server(project: Path, serve: Callable[..., Any]) -> Any:
    return serve(project, "--no-worker")


@pytest.fixture
def show(server: Any, open_page: Callable[..., Page]) -> Iterator[Show]:
    def shown(path: str) -> Page:
        page = open_page(f"{server.url}/{path}")
        heard = HEARD[page] = []
        page.on("request", lambda asked: heard.append(asked) if asked_for(asked) else None)
        return page

    yield shown
    HEARD.clear()


HEARD: dict[Page, list[Request]] = {}
"""What each page has asked about categories."""

CHANGED = {"at": 0.0}
"""When another process made its last change, in milliseconds since 1970."""


def asked_for(request: Request) -> bool:
    return '"categories"' in (request.post_data or "")


@pytest.fixture
def page(show: Show) -> Page:
    opened = show("")
    expect(opened.locator(".an-asking .an-row")).to_have_count(len(NAMES))
    saved(opened)
    return opened


@contextmanager
def another_process(project: Path) -> Iterator[Services]:
    with closing(Services.open(project)) as services:
        yield services
        CHANGED["at"] = time.time() * 1000


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_text("saved", timeout=40_000)


def names(page: Page) -> list[str]:
    return page.locator(".an-asking .an-name").all_inner_texts()


def put_aside(page: Page) -> Locator:
    return page.locator(".an-waits", has_text="could not be saved")


def noticed(page: Page) -> None:
    """Wait until the page has heard of the change; it is on the screen with the next image only."""
    for _ in range(600):
        for asked in HEARD[page]:
            answer = asked.response() if asked.timing["startTime"] >= CHANGED["at"] else None
            if answer is not None and answer.finished() is None:
                # What is asked for now is answered after the page has read what came before.
                page.evaluate("fetch(location.href).then((answer) => answer.text())")
                return
        page.wait_for_timeout(50)
    pytest.fail("the page has not asked for the changed categories within 30 s")


def following_image(page: Page) -> None:
    place = page.locator(".an-place")
    before = place.inner_text()
    page.keyboard.press("ArrowRight")
    expect(place).not_to_have_text(before)


def test_the_label_page_takes_changed_categories_over_with_its_next_image(
    page: Page, project: Path
) -> None:
    with another_process(project) as services:
        services.curation.archive(DOG, True)
        services.curation.edit(BIRD, name="Vogel")
        services.curation.add(["fish"])
        services.curation.merge(PUPPY, CAT)
    noticed(page)
    meanwhile = names(page)
    page.keyboard.press("3")  # means what it shows
    saved(page)

    following_image(page)

    expect(
        notice(
            page,
            "Categories changed: 1 added, 1 renamed, 1 archived, 1 merged "
            "(fish, bird → Vogel, dog, puppy → cat).",
        )
    ).to_be_visible()
    assert meanwhile == NAMES
    assert names(page) == ["cat", "Vogel", "fish"]
    page.keyboard.press("3")
    saved(page)
    assert labels(project) == [(1, "Vogel", 1), (2, "fish", 1)]


def test_an_answer_to_an_archived_category_is_put_aside_and_saved_after_it_is_restored(
    page: Page, project: Path
) -> None:
    with another_process(project) as services:
        services.curation.archive(DOG, True)

    page.keyboard.press("2")
    expect(put_aside(page)).to_contain_text("1 answer could not be saved.")
    expect(page.locator(f".an-asking .an-row[data-category='{DOG}']")).to_have_attribute(
        "data-state", "unknown"
    )
    page.keyboard.press("x")  # the rest of the image is absent
    expect(put_aside(page)).to_contain_text("2 answers could not be saved.")
    saved(page)
    without = labels(project)
    put_aside(page).get_by_role("button", name="Show").click()
    first = page.locator(".an-failed li").first
    expect(first).to_contain_text("00.png: dog present")
    expect(first).to_contain_text("'dog' is archived; restore it on the Settings page")
    with another_process(project) as services:
        services.curation.archive(DOG, False)
    first.get_by_role("button", name="Retry").press("Enter")
    row = page.locator(f".an-asking .an-row[data-category='{DOG}']")
    expect(row).to_have_attribute("data-state", "present")
    expect(put_aside(page)).to_contain_text("1 answer could not be saved.")

    assert without == [(1, "cat", 0), (1, "bird", 0), (1, "puppy", 0)]
    assert labels(project)[1] == (1, "dog", 1)


def test_an_answer_to_a_merged_category_counts_where_it_went(page: Page, project: Path) -> None:
    with another_process(project) as services:
        services.curation.merge(PUPPY, DOG)

    page.keyboard.press("4")

    expect(page.locator(".an-stage .an-notice")).to_contain_text(
        "'puppy' is merged into 'dog', where your answer counts: it is present there."
    )
    expect(page.locator(f".an-asking .an-row[data-category='{DOG}']")).to_have_attribute(
        "data-state", "present"
    )
    assert (1, "dog", 1) in labels(project)


def test_answers_that_wait_offline_go_to_what_was_renamed_meanwhile(
    page: Page, project: Path
) -> None:
    page.context.set_offline(True)
    page.keyboard.press("1")
    page.keyboard.press("3")
    expect(page.locator(".an-saved")).to_contain_text("2 answers wait")
    with another_process(project) as services:
        services.curation.edit(CAT, name="bird of prey")
        services.curation.edit(BIRD, name="hen")
        services.curation.edit(CAT, name="eagle")

    page.context.set_offline(False)

    saved(page)
    assert labels(project) == [(1, "eagle", 1), (1, "hen", 1)]


def test_a_code_that_means_another_category_is_named(page: Page, project: Path) -> None:
    with another_process(project) as services:
        services.hotkeys.set("Ann", DOG, ",d")
    noticed(page)
    following_image(page)
    first = notice(page, "Categories changed: 1 with another key (dog: no key → ,d).")
    expect(first).to_be_visible()
    with another_process(project) as services:
        services.hotkeys.set("Ann", DOG, ",g")
        services.hotkeys.set("Ann", BIRD, ",d")
    noticed(page)
    page.keyboard.press(",")
    page.keyboard.press("d")  # still the dog on this image
    saved(page)
    following_image(page)

    expect(
        notice(page, "Categories changed: 2 with another key (dog: ,d → ,g, bird: no key → ,d).")
    ).to_be_visible()
    assert first.count() == 0
    page.keyboard.press(",")
    page.keyboard.press("d")
    saved(page)
    assert labels(project) == [(2, "dog", 1), (3, "bird", 1)]


def test_own_keys_and_a_change_that_was_taken_back_are_no_news(page: Page, project: Path) -> None:
    page.keyboard.press("k")
    page.locator("dialog[open] input").press("q")
    page.get_by_role("button", name="Save", exact=True).click()
    noticed(page)
    with another_process(project) as services:
        services.curation.archive(DOG, True)
        services.curation.archive(DOG, False)

    following_image(page)

    expect(page.locator(".an-stage .an-notice")).to_be_hidden()
    assert names(page) == NAMES


def test_when_the_last_category_goes_the_page_says_what_to_do(page: Page, project: Path) -> None:
    with another_process(project) as services:
        for category in (CAT, DOG, BIRD, PUPPY):
            services.curation.archive(category, True)
    noticed(page)

    page.keyboard.press("ArrowRight")

    expect(page.get_by_text("annotator categories PROJECT add NAME")).to_be_visible()


def test_verify_goes_on_with_another_category_when_its_own_is_archived(
    show: Show, project: Path
) -> None:
    page = show(f"verify#{DOG}-like")
    expect(page.locator(".vf-category b")).to_have_text("dog")
    expect(page.locator(".vf-tile").first).to_be_visible()
    with another_process(project) as services:
        services.curation.archive(DOG, True)
        services.curation.edit(CAT, name="feline")
        services.curation.add(["fish"])
    noticed(page)

    page.keyboard.press("n")

    expect(page.locator(".an-notice")).to_contain_text(
        "Categories changed: 1 added, 1 renamed, 1 archived (fish, cat → feline, dog)."
    )
    expect(page.locator(".vf-category b")).not_to_have_text("dog")
    page.keyboard.press("/")
    options = page.locator(".vf-option > span")
    expect(options).to_have_count(4)
    assert {"feline", "fish"} < set(options.all_inner_texts())


def test_a_page_of_verify_about_an_archived_category_is_put_aside(
    show: Show, project: Path
) -> None:
    page = show(f"verify#{DOG}-like")
    seen = "document.querySelectorAll('.vf-tile img').length === 12 && performance.now()"
    page.wait_for_function(f"{seen} && [...document.images].every((each) => each.complete)")
    with another_process(project) as services:
        services.curation.archive(DOG, True)
    page.locator(".vf-tile").first.click()
    expect(page.locator(".vf-tally")).to_contain_text("1 present")
    expect(page.locator(".an-root[data-wait]")).to_have_count(0)

    page.keyboard.press("Enter")

    expect(put_aside(page)).to_contain_text("1 answer could not be saved.")
    expect(page.locator(".vf-category b")).not_to_have_text("dog")
    expect(page.locator(".vf-tile").first).to_be_visible()
    assert rows(project, "select count(*) from answer") == [(0,)]


def test_verify_opens_in_a_mode_that_holds_something_where_the_model_can_only_rank(
    show: Show, project: Path
) -> None:
    scores = np.tile(np.linspace(3, -1, 12)[:, None], (1, len(NAMES)))
    publish(load_project(project), scores, thresholds=(np.inf,) * 4, ranked=(0, 1, 2, 3))

    page = show("verify")

    expect(page.locator(".vf-tile")).to_have_count(12)
    expect(page.locator(".vf-mode[aria-pressed=true]")).to_contain_text("More like these")


def test_review_lists_changed_categories_with_its_next_search(show: Show, project: Path) -> None:
    change = {"category": DOG, "state": "present"}
    with another_process(project) as services:
        request = SaveRequest(op="a", kind="answer", image=1, changes=[change])
        services.recording.save("Bob", request)
    page = show("review#show=all")
    expect(page.locator(".rv-card .rv-name")).to_have_text("dog")
    with another_process(project) as services:
        services.curation.edit(DOG, name="hound")
        services.curation.archive(BIRD, True)
    expect(page.locator(".an-notice")).to_contain_text("The categories have changed; press M")
    before = page.locator(".rv-card .rv-name").inner_text()

    page.keyboard.press("m")

    expect(page.locator(".rv-card .rv-name")).to_have_text("hound")
    expect(page.locator(".an-notice")).to_contain_text(
        "Categories changed: 1 renamed, 1 archived (dog → hound, bird)."
    )
    assert before == "dog"
    assert page.locator("select[name=category] option").all_inner_texts() == [
        "all categories", "cat", "hound", "puppy"
    ]  # fmt: skip


def test_review_shows_again_what_it_was_where_an_answer_could_not_be_saved(
    show: Show, project: Path
) -> None:
    change = {"category": DOG, "state": "present"}
    with another_process(project) as services:
        request = SaveRequest(op="a", kind="answer", image=1, changes=[change])
        services.recording.save("Bob", request)
    page = show("review#show=all")
    card = page.locator(".rv-card")
    expect(card).to_have_attribute("data-state", "present")
    page.wait_for_function("document.querySelector('.rv-card img').naturalWidth")  # else it waits
    with another_process(project) as services:
        services.curation.archive(DOG, True)

    page.keyboard.press("r")

    expect(put_aside(page)).to_contain_text("1 answer could not be saved.")
    expect(card).to_have_attribute("data-state", "present")


def test_a_card_of_blind_questions_passes_over_what_was_archived(show: Show, project: Path) -> None:
    page = show("probe")
    expect(page.locator(".pb-total")).not_to_be_empty()
    page.keyboard.press("Enter")
    card = page.locator(".pb-card[open]")
    expect(card).to_have_attribute("data-ready", "true")
    page.keyboard.press("Escape")
    with another_process(project) as services:
        for category in (CAT, DOG, BIRD, PUPPY):
            services.curation.archive(category, True)
        services.curation.add(["fish"])
    expect(page.locator(".an-notice")).to_contain_text("Categories changed: 1 added, 4 archived")

    page.keyboard.press("Enter")

    expect(card).to_have_attribute("data-ready", "true")
    expect(card.locator(".pb-ask")).to_contain_text("fish")


def test_a_card_that_was_answered_offline_does_not_thank_as_if_it_was_sent(
    show: Show, server: Any, project: Path
) -> None:
    page = show("probe")
    expect(page.locator(".pb-total")).not_to_be_empty()
    page.keyboard.press("Enter")
    card = page.locator(".pb-card[open]")
    expect(card).to_have_attribute("data-calm", "true")
    expect(card).to_have_attribute("data-ready", "true")
    for _ in range(8):
        expect(card).to_have_attribute("data-ready", "true")
        page.keyboard.press("1")
    expect(card.locator(".pb-head b")).to_contain_text("9 of 10")
    saved(page)
    server.kill()

    for _ in range(2):
        expect(card).to_have_attribute("data-ready", "true")
        page.keyboard.press("2")

    expect(card.locator(".pb-done h2")).to_contain_text(
        "The server does not answer: 2 of your answers are kept in this browser"
    )
    server.start()
    expect(card.locator(".pb-done h2")).to_contain_text("Thank you.", timeout=40_000)
    assert rows(project, "select count(*) from probe where state is not null") == [(10,)]
