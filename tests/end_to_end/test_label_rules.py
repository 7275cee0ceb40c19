"""The rules of the Label page in a real browser: versions that arrive, what is in view, names."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from annotator.arrays.error_correlation import write_errors
from annotator.services.project.creation import create_project
from annotator.settings import Project, changed, load_project, save_project
from database import labels, rows
from mlrpl.decision.conditional import ErrorCorrelation
from publishing import publish

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COUNT = 30
IMAGES = 12
LOW = {"width": 1440, "height": 560}


@pytest.fixture
def project(tmp_path: Path, twelve_pictures: Path) -> Project:
    names = [f"thing {n}" for n in range(COUNT)]
    path = create_project(tmp_path / "p", twelve_pictures, names=names).project.path
    return load_project(path)


FALLING = np.tile(np.linspace(2.0, 0.5, COUNT), (IMAGES, 1))
RISING = np.tile(np.linspace(-2.0, 3.0, COUNT), (IMAGES, 1))
FIGURES = {"map": 0.4, "map_low": 0.3, "map_high": 0.5, "held_out_pairs": 90}


def ready(page: Page) -> None:
    expect(page.locator(".an-asking .an-row")).to_have_count(10)


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_text("saved")


def asked(page: Page) -> list[str]:
    return page.locator(".an-asking .an-name").all_text_contents()


def bar(page: Page, place: int) -> str:
    found = page.locator(".an-asking .an-fill").nth(place).get_attribute("style")
    assert found is not None
    return found


Serve = Callable[..., Any]
Open = Callable[..., Page]


def test_a_key_in_the_frame_in_which_a_version_arrives_answers_the_row_it_showed(
    project: Project, serve: Serve, open_page: Open
) -> None:
    publish(project, FALLING, **FIGURES)
    page = open_page(serve(project.path, "--no-worker").url)
    ready(page)
    before = asked(page)
    page.evaluate(
        """() => new MutationObserver((_, observer) => {
          if (document.querySelector('.an-banner').hidden) return;
          observer.disconnect();
          document.dispatchEvent(new KeyboardEvent('keydown', {key: '1', code: 'Digit1'}));
        }).observe(document.querySelector('.an-banner'), {attributes: true})"""
    )

    publish(project, RISING, **FIGURES)
    expect(page.locator(".an-banner")).to_contain_text("Version 2 is ready")
    expect(page.locator(".an-asking .an-row").first).to_have_attribute("aria-checked", "true")
    saved(page)
    there = asked(page)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("01.png")

    assert before[0] == "thing 0"
    assert there == before
    assert labels(project.path) == [(1, "thing 0", 1)]
    assert "thing 29" in asked(page)
    assert "thing 0" not in asked(page)
    expect(page.locator(".an-banner")).to_be_hidden()
    assert rows(project.path, "select version, source from operation join answer on "
                "answer.operation_id = operation.id") == [(1, 1)]  # fmt: skip


def test_the_third_digit_answers_what_row_three_showed_while_version_and_scores_arrive(
    project: Project, serve: Serve, open_page: Open
) -> None:
    publish(project, FALLING, **FIGURES)
    page = open_page(serve(project.path, "--no-worker").url)
    ready(page)
    third = asked(page)[2]
    page.evaluate(
        """() => {
          const press = (key, code) => document.dispatchEvent(
            new KeyboardEvent('keydown', {key, code}));
          new MutationObserver((_, observer) => {
            if (document.querySelector('.an-banner').hidden) return;
            observer.disconnect();
            press('m', 'KeyM'); // asks for other scores of this image
          }).observe(document.querySelector('.an-banner'), {attributes: true});
          const bar = document.querySelectorAll('.an-asking .an-fill')[2];
          new MutationObserver((_, observer) => {
            observer.disconnect();
            press('3', 'Digit3'); // in the frame in which they are drawn
          }).observe(bar, {attributes: true});
        }"""
    )

    publish(project, RISING, **FIGURES)
    expect(page.locator(".an-asking .an-row").nth(2)).to_have_attribute("aria-checked", "true")
    saved(page)

    assert asked(page)[2] == third
    assert labels(project.path) == [(1, third, 1)]


def test_what_an_answer_says_about_the_rest_moves_bars_and_no_row_or_digit(
    project: Project, serve: Serve, open_page: Open
) -> None:
    together = np.eye(COUNT)
    together[0, 2:6] = together[2:6, 0] = 0.4  # the errors of the first row and of four others
    errors = ErrorCorrelation(together, np.full(together.shape, 500))
    publish(project, FALLING, save=lambda folder: write_errors(folder, errors), **FIGURES)
    page = open_page(serve(project.path, "--no-worker").url)
    ready(page)
    before, bars = asked(page), [bar(page, place) for place in range(10)]
    page.evaluate(
        """() => {
          const press = (key, code, shiftKey = false) => document.dispatchEvent(
            new KeyboardEvent('keydown', {key, code, shiftKey}));
          const third = document.querySelectorAll('.an-asking .an-fill')[2];
          new MutationObserver((_, observer) => {
            observer.disconnect();
            press('3', 'Digit3'); // in the frame in which the reply moves this very bar
          }).observe(third, {attributes: true});
          press('!', 'Digit1', true); // the first row is absent, which is a surprise
        }"""
    )

    row = page.locator(".an-asking .an-row")
    expect(row.nth(0)).to_have_attribute("aria-checked", "false")
    expect(row.nth(2)).to_have_attribute("aria-checked", "true")
    saved(page)

    assert labels(project.path) == [(1, before[0], 0), (1, before[2], 1)]
    assert asked(page) == before
    assert bar(page, 0) == bars[0]
    assert [place for place in range(1, 10) if bar(page, place) != bars[place]] == [2, 3, 4, 5]
    page.keyboard.press("u")
    page.keyboard.press("u")
    saved(page)
    expect(row.nth(0)).to_have_attribute("aria-checked", "mixed")
    expect(page.locator(".an-asking .an-fill").nth(5)).to_have_attribute("style", bars[5])
    assert [bar(page, place) for place in range(10)] == bars


def test_taking_a_version_at_once_moves_open_bars_and_nothing_else(
    project: Project, serve: Serve, open_page: Open
) -> None:
    publish(project, FALLING, **FIGURES)
    page = open_page(serve(project.path, "--no-worker").url)
    ready(page)
    page.keyboard.press("1")
    saved(page)
    decided, open_one, order = bar(page, 0), bar(page, 1), asked(page)
    suggested = page.locator(".an-asking .an-row.suggested")
    expect(suggested).to_have_count(9)
    publish(project, RISING, **FIGURES)
    expect(page.locator(".an-banner")).to_be_visible()
    assert bar(page, 1) == open_one

    page.keyboard.press("m")

    expect(page.locator(".an-banner")).to_be_hidden()
    expect(suggested).to_have_count(0)
    assert asked(page) == order
    assert bar(page, 0) == decided
    assert bar(page, 1) != open_one


def in_view(page: Page) -> set[str]:
    names = page.evaluate(
        """() => {
          const box = document.querySelector('.an-list').getBoundingClientRect();
          const rows = [...document.querySelectorAll('.an-row')].filter((row) => {
            const {top, bottom} = row.getBoundingClientRect();
            return top >= box.top - 1 && bottom <= box.bottom + 1;
          });
          return rows.map((row) => row.querySelector('.an-name').textContent);
        }"""
    )
    return set(names)


def test_accept_all_takes_what_is_in_view_and_says_how_many(
    project: Project, serve: Serve, open_page: Open
) -> None:
    publish(project, FALLING, ranked=(1,), **FIGURES)
    page = open_page(serve(project.path, "--no-worker").url, viewport=LOW)
    ready(page)
    expected = sorted(in_view(page) - {"thing 1"})
    key = page.get_by_role("button", name="Accept")
    expect(key).to_contain_text(f"Accept {len(expected)} ✦")

    page.keyboard.press("Shift+A")
    saved(page)

    assert 10 <= len(expected) < COUNT - 1
    assert sorted(name for _, name, _ in labels(project.path)) == expected
    assert rows(project.path, "select distinct source from answer") == [(2,)]
    assert rows(project.path, "select kind from operation") == [("accept_all",)]
    page.locator(".an-list").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    left = in_view(page) - {"thing 1", *expected}
    assert left
    expect(key).to_contain_text(f"Accept {len(left)} ✦")


def test_enter_accepts_what_is_marked_calls_the_rest_in_view_absent_and_u_takes_it_back(
    project: Project, serve: Serve, open_page: Open
) -> None:
    settings = changed(project.settings, {"hierarchy": {"thing 0": ["thing 9"]}})
    save_project(dataclasses.replace(project, settings=settings))
    scores = np.full((IMAGES, COUNT), -2.0)
    scores[:, :3] = 2.0
    publish(project, scores, ranked=(2,), **FIGURES)
    page = open_page(serve(project.path, "--no-worker").url, viewport=LOW)
    ready(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("s")  # one of the marked ones cannot be told
    main, stays = page.locator(".an-main"), page.locator(".an-stays")
    expect(main).to_contain_text("1 ✓")
    said = main.inner_text()
    shown = COUNT - int(stays.inner_text().split()[0])

    page.keyboard.press("Enter")
    expect(page.locator(".an-place")).to_have_text("01.png")
    saved(page)
    after = labels(project.path)
    page.keyboard.press("u")
    expect(page.locator(".an-place")).to_have_text("00.png")
    saved(page)

    absent = shown - 4  # present, unsure, only ranked, implied
    assert 10 <= shown < COUNT
    assert f"1 ✓ {absent} ✕" in said
    assert "1 ✧ not sure enough" in said
    assert [name for _, name, state in after if state] == ["thing 0"]
    assert len(after) == 1 + absent
    assert {"thing 1", "thing 2", "thing 9"}.isdisjoint(name for _, name, _ in after)
    assert labels(project.path) == []
    assert rows(project.path, "select kind from operation order by id") == [
        ("answer",), ("accept_all",), ("undo",)]  # fmt: skip


def test_a_digit_stays_with_its_category_while_that_is_among_the_ten(
    project: Project, serve: Serve, open_page: Open
) -> None:
    scores = np.tile(np.linspace(2.0, -4.0, COUNT), (IMAGES, 1))
    scores[1, [3, 7]], scores[1, [25, 26]] = -5.0, 3.0
    publish(project, scores, **FIGURES)
    page = open_page(serve(project.path, "--no-worker").url)
    ready(page)
    first = asked(page)

    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("01.png")
    second = asked(page)
    fresh = page.locator(".an-digits .fresh .an-name").all_text_contents()
    rows_of_it = page.locator('.an-row[data-category="26"]').filter(visible=True)
    expect(rows_of_it.locator(".an-digit")).to_have_text(["4"])
    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("02.png")
    third = asked(page)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".an-place")).to_have_text("01.png")

    assert first == [f"thing {n}" for n in range(10)]
    assert set(fresh) == {"thing 25", "thing 26"}
    assert [n for n, (a, b) in enumerate(zip(first, second, strict=True)) if a != b] == [3, 7]
    assert third == first
    assert asked(page) == second


def test_what_is_also_likely_has_a_digit_behind_the_slash_that_stays(
    project: Project, serve: Serve, open_page: Open
) -> None:
    scores = np.tile(np.linspace(2.0, -4.0, COUNT), (IMAGES, 1))
    scores[:, [12, 20]] = 0.1, 0.05
    publish(project, scores, **FIGURES)
    page = open_page(serve(project.path, "--no-worker").url)
    ready(page)
    chips = page.locator(".an-chip")
    shown = chips.all_text_contents()

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    press("/", "1")
    expect(chips.first).to_have_attribute("data-state", "present")
    press("/", "Shift+Digit2")
    expect(chips.nth(1)).to_have_attribute("data-state", "absent")
    press("/", "t", "Enter")  # one letter: the likeliest that is open
    press("/", *"thing 29", "Enter")
    saved(page)
    assert chips.all_text_contents()[2:] == shown[2:]
    press("u")
    saved(page)

    assert shown[:2] == ["/1thing 12", "/2thing 20"]
    assert sum("thing 29" in text for text in shown) == 0
    assert ["thing 12", 1] in [[name, state] for _, name, state in labels(project.path)]
    kinds = [kind for (kind,) in rows(project.path, "select kind from operation order by id")]
    assert kinds == ["answer", "answer", "named", "named", "undo"]


def test_a_visit_keeps_what_was_drawn_and_not_the_rest(
    project: Project, serve: Serve, open_page: Open
) -> None:
    page = open_page(serve(project.path, "--no-worker").url, viewport=LOW)
    ready(page)

    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("01.png")
    page.locator(".an-list").evaluate("box => box.scrollTo(0, box.scrollHeight)")
    page.evaluate(  # what is in view is noted in the frame after the scrolling
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("02.png")
    page.wait_for_function("!Object.keys(localStorage).some(k => k.includes('unsaved'))")

    kept = rows(project.path, "select shown from visit order by id")
    first, second = (int.from_bytes(bits, "little").bit_count() for (bits,) in kept[:2])
    assert 10 <= first < COUNT
    assert second > first


def test_the_rest_is_what_the_filter_lists(project: Project, serve: Serve, open_page: Open) -> None:
    page = open_page(serve(project.path, "--no-worker").url)
    ready(page)
    page.keyboard.press("/")
    page.keyboard.type("thing 2")
    key = page.get_by_role("button", name="Rest absent (11)")

    key.click()
    saved(page)

    names = {"thing 2", *(f"thing {n}" for n in range(20, 30))}
    assert {name for _, name, _ in labels(project.path)} == names
    assert rows(project.path, "select kind from operation") == [("sweep",)]


def test_the_finder_takes_the_name_that_begins_with_what_was_typed(
    tmp_path: Path, twelve_pictures: Path, serve: Serve, open_page: Open
) -> None:
    names = ["bench", "armchair", "lawn chair", "chair"]
    made = create_project(tmp_path / "q", twelve_pictures, names=names)
    page = open_page(serve(made.project.path, "--no-worker").url)
    expect(page.locator(".an-row:visible")).to_have_count(4)
    assert page.locator(".an-row:visible .an-digit").all_text_contents() == ["1", "2", "3", "4"]

    for typed in ("ch", "lawn ch", "mch"):
        page.keyboard.press("/")
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
    saved(page)

    assert [name for _, name, _ in labels(made.project.path)] == ["armchair", "lawn chair", "chair"]


def test_unsaved_answers_are_never_sent_under_another_name(
    project: Project, serve: Serve, open_page: Open
) -> None:
    server = serve(project.path, "--no-worker")
    page = open_page(server.url, name="Ann")
    ready(page)
    server.kill()
    page.keyboard.press("1")
    expect(page.locator(".an-saved")).to_contain_text("1 answer waits")

    cookie = {"name": "annotator_name", "url": server.url}
    page.context.add_cookies([{**cookie, "value": "Bob"}])
    server.start()
    page.goto("about:blank")
    page.goto(server.url)
    expect(page.locator(".fr-who")).to_have_text("Bob")
    ready(page)
    page.keyboard.press("2")
    saved(page)
    as_bob = labels(project.path)
    page.context.add_cookies([{**cookie, "value": "Ann"}])
    page.reload()
    expect(page.locator(".fr-who")).to_have_text("Ann")
    ready(page)
    expect(page.locator('.an-all .an-row[data-state="present"]')).to_have_count(2)
    saved(page)

    assert as_bob == [(1, "thing 1", 1)]
    assert rows(project.path, "select annotator.name, category_id from answer join operation on "
                "operation.id = operation_id join annotator on annotator.id = annotator_id "
                "order by answer.id") == [("Bob", 2), ("Ann", 1)]  # fmt: skip


def test_the_way_back_outlives_a_reload(project: Project, serve: Serve, open_page: Open) -> None:
    page = open_page(serve(project.path, "--no-worker").url)
    ready(page)
    for name in ("01.png", "02.png"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".an-place")).to_have_text(name)
    saved(page)

    page.reload()
    ready(page)
    expect(page.locator(".an-place")).to_have_text("02.png")
    page.keyboard.press("ArrowLeft")

    expect(page.locator(".an-place")).to_have_text("01.png")
    assert page.locator(".an-strip button:not([hidden])").count() > 3


def swipe(page: Page, across: int) -> None:
    """Draw a finger over the image."""
    page.locator(".an-stage").evaluate(
        """(stage, across) => {
          const {left, top, width, height} = stage.getBoundingClientRect();
          const at = (x) => new Touch({
            identifier: 1, target: stage, clientX: x, clientY: top + height / 2});
          const [from, to] = [at(left + width / 2), at(left + width / 2 + across)];
          stage.dispatchEvent(new TouchEvent('touchstart', {touches: [from]}));
          stage.dispatchEvent(new TouchEvent('touchend', {changedTouches: [to]}));
        }""",
        across,
    )


def test_on_a_phone_the_picture_stays_in_sight_and_a_finger_can_say_absent(
    project: Project, serve: Serve, open_page: Open
) -> None:
    size = {"width": 390, "height": 844}
    page = open_page(serve(project.path, "--no-worker").url, viewport=size, has_touch=True)
    ready(page)
    page.evaluate("scrollTo(0, 700)")
    page.wait_for_function("scrollY > 300")
    row = page.locator(".an-all .an-row").last

    row.locator(".an-not").tap()

    expect(row).to_have_attribute("aria-checked", "false")
    assert page.evaluate("document.querySelector('.an-stage').getBoundingClientRect().top") == 0
    saved(page)
    assert labels(project.path) == [(1, "thing 29", 0)]
    page.locator(".an-moves").get_by_role("button", name="Next").tap()
    expect(page.locator(".an-place")).to_have_text("01.png")
    assert page.evaluate("scrollY") == 0
    foot = page.locator(".an-foot").bounding_box()
    rows_above = [row.bounding_box() for row in page.locator(".an-digits .an-row").all()[:4]]
    assert all(box["y"] + box["height"] <= foot["y"] for box in rows_above)
    swipe(page, -150)
    expect(page.locator(".an-place")).to_have_text("02.png")
    swipe(page, 150)
    expect(page.locator(".an-place")).to_have_text("01.png")


def test_an_image_that_is_gone_is_skipped_with_enter(
    project: Project, serve: Serve, open_page: Open
) -> None:
    page = open_page(f"{serve(project.path, '--no-worker').url}/#999")
    expect(page.locator(".an-problem")).to_contain_text("There is no image 999 in this project")

    page.keyboard.press("1")
    page.keyboard.press("Enter")

    expect(page.locator(".an-place")).to_have_text("00.png")
    ready(page)
    saved(page)
    assert labels(project.path) == []


def test_pictures_of_two_projects_on_one_port_are_told_apart(
    project: Project, serve: Serve, open_page: Open
) -> None:
    page = open_page(serve(project.path, "--no-worker").url)
    ready(page)

    assert page.evaluate(
        "new URL(document.querySelector('.an-image').src).searchParams.get('of').length > 5"
    )


def test_a_label_file_is_previewed_before_it_is_imported(
    project: Project, serve: Serve, open_page: Open
) -> None:
    page = open_page(f"{serve(project.path, '--no-worker').url}/export")
    take = page.locator("#import-take")
    expect(take).to_be_disabled()

    drop = page.locator("#import-file input[type=file]")
    text = "image,thing 3,zebra\n00.png,1,0\nnowhere.png,1,\n"
    drop.set_input_files({"name": "l.csv", "mimeType": "text/csv", "buffer": text.encode()})
    expect(page.locator("#import-preview")).to_contain_text("zebra")
    expect(page.locator("#import-preview")).to_contain_text("nowhere.png")
    before = labels(project.path)
    take.click()
    expect(page.locator("#import-preview")).to_contain_text("Imported: 2 pairs")

    assert before == []
    assert labels(project.path) == [(1, "thing 3", 1), (1, "zebra", 0)]
    expect(take).to_be_disabled()
