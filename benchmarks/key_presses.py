"""Counts keys and estimates seconds for one session, worked through in several ways.

    python benchmarks/key_presses.py [--data scenes] [--session 200] [--known 500] [--seed 0]

Makes a project whose images are known in full but for those of the session, trains a version on it
from the command line, and replays the session with a person who is always right:

- Label, one key: correct what is marked and wrong, digits for what else is listed, the first
  letters of a name for the rest; then Shift+Enter accepts what is marked and has a probability, and
  the rest is absent. Or, where that takes fewer keys, digits for all that is there, X for the rest,
  X again for what is marked, Shift+Enter.
- Label, a key to accept, as it was before: accept all that is suggested where that takes fewer keys
  than the digits, the same corrections, then Shift+Enter, which left nothing marked present. The
  search stayed open until Esc.
- Verify: pages of 40 images of one category, likely ones first; what is wrong is turned by its
  code, the digit of its row and the letters of the images in it, or by arrow keys and Space where
  that takes fewer keys; Enter saves.
- Tick the positives: the first letters of each name, then the next image; what a plain tool offers.

It is a simulation: no browser and no person. What is listed, suggested and given a digit comes from
the services that the pages use; how keys answer and how a name is found is restated here. Seconds
are estimates from published times of single steps, the same for all three; looking for what the
categories ask for takes time, too, but the same in every way, and is left out. There are no
attention checks on the pages: nobody but a file has answered before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from store import commit, machine
from workflow import SETS, run, truth_of, write_known

from annotator.services.app import Services
from annotator.store import categories, images
from annotator.wire import verify as wire
from mlrpl.backbone_names import LITE0

OUT = Path(__file__).resolve().parent / "out" / "key_presses"
SCENES = Path(__file__).resolve().parents[1] / "projects" / "scenes" / "make_images.py"
PAGE, COLUMNS = 40, 8
"""Items of a grid and how many of them stand side by side in a window of 1440 x 900."""
FREQUENT = {"scenes": 1, "coco_train": 1, "corel5k": 50}
"""Images that a category needs to take part."""

Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Seconds:
    """What single steps take."""

    decision: float = 1.0
    """One key about something that is on the screen."""
    glance: float = 0.4
    """At one item of a grid, or one row of a list."""
    corrected: float = 1.0
    """One item of a grid that is turned."""
    typed: float = 5.1
    """A category found by its name."""
    switch: float = 1.5
    """To another image, or another page."""


@dataclass(frozen=True)
class Work:
    """What a session took and brought."""

    keys: int = 0
    pairs: int = 0
    seconds: float = 0.0

    def __add__(self, other: Work) -> Work:
        """Return both together."""
        return Work(self.keys + other.keys, self.pairs + other.pairs, self.seconds + other.seconds)


def letters_for(name: str, names: Sequence[str]) -> int:
    """Return how many letters have to be typed until the finder means a name.

    The finder takes the first name that begins with the text, else the first with a word that does.
    """
    for count in range(1, len(name) + 1):
        text = name[:count].lower()
        if min(names, key=lambda other: _rank(other, text)) == name:
            return count
    return len(name) + 1  # and an arrow key


def _rank(name: str, text: str) -> int:
    at = f" {name.lower()}".find(f" {text}")
    return 2 if at < 0 else min(at, 1)


def label_image(
    item: Mapping[str, Any], present: Collection[int], letters: Mapping[int, int], cost: Seconds
) -> Work:
    """Return the work on one image of the Label page, where one key accepts and goes on.

    Args:
        item: What `services.labelling.items` says about the image; everything is open.
        present: Ids of the categories that are there.
        letters: How many letters find each category.
        cost: What steps take.
    """
    marked, there = set(item["suggested"]), set(present)
    sure = marked - set(item["ranked"])
    corrected = _answered(item, there ^ sure, letters, cost)
    anew = _answered(item, there, letters, cost) + Work(keys=2, seconds=2 * cost.decision)  # X, X
    chosen = min(corrected, anew, key=lambda work: work.keys)
    glances = Work(seconds=cost.glance * len(marked))
    done = Work(keys=1, pairs=len(letters), seconds=cost.decision + cost.switch)  # Shift+Enter
    return chosen + glances + done


def label_image_accepting(
    item: Mapping[str, Any], present: Collection[int], letters: Mapping[int, int], cost: Seconds
) -> Work:
    """Return the work on one image where suggestions are accepted by a key of their own.

    Args:
        item: What `services.labelling.items` says about the image; everything is open.
        present: Ids of the categories that are there.
        letters: How many letters find each category.
        cost: What steps take.
    """
    listed = item["ask"]
    offered = [c for c in listed if c in item["suggested"] and c not in item["ranked"]]
    wrong = [c for c in offered if c not in present]
    right = [c for c in offered if c in present]
    if 1 + len(wrong) < len(right):  # accept all, then turn the wrong ones
        accepted = Work(keys=1, seconds=cost.decision + cost.glance * len(offered))
        accepted += Work(keys=len(wrong), seconds=cost.decision * len(wrong))
        left = [c for c in present if c not in offered]
    else:
        accepted, left = Work(), list(present)
    done = Work(keys=1, pairs=len(letters), seconds=cost.decision + cost.switch)  # Shift+Enter
    typed = len(set(left) - set(listed))
    search = Work(keys=2 - typed if typed else 0)  # one slash for all names, and Esc
    return accepted + _answered(item, left, letters, cost) + search + done


def _answered(
    item: Mapping[str, Any], said: Collection[int], letters: Mapping[int, int], cost: Seconds
) -> Work:
    """Return the work of answering categories one by one, by digit or else by name."""
    typed = [1 + letters[c] + 1 for c in said if c not in item["ask"]]  # slash, letters, Enter
    digits = len(said) - len(typed)
    seconds = cost.decision * digits + cost.typed * len(typed)
    return Work(keys=digits + sum(typed), seconds=seconds)


@dataclass(frozen=True)
class GridItem:
    """One picture of a grid: what the page presets, and what is right."""

    guess: str | None
    present: bool

    @property
    def presses(self) -> int:
        """How often it has to be turned; without a guess the first time says present."""
        if self.guess is None:
            return 1 if self.present else 2
        return int((self.guess == "present") != self.present)


def grid_keys(items: Sequence[GridItem]) -> int:
    """Return the fewest keys that set a grid right and save it, with or without `mark all`."""
    as_it_is = _marking([item.presses for item in items])
    all_present = 1 + _marking([int(not item.present) for item in items])
    all_absent = 1 + _marking([int(item.present) for item in items])
    return min(as_it_is, all_present, all_absent) + 1  # Enter


def _marking(presses: Sequence[int]) -> int:
    """Return the fewest keys that turn the items in question, all by code or all by arrows."""
    return min(_by_code(presses), _by_arrows(presses))


def _by_code(presses: Sequence[int]) -> int:
    rows = [presses[start : start + COLUMNS] for start in range(0, len(presses), COLUMNS)]
    return sum(1 + sum(row) for row in rows if any(row))


def _by_arrows(presses: Sequence[int]) -> int:
    keys, at = 0, 0
    for place, times in enumerate(presses):
        if times:
            down, across = place // COLUMNS - at // COLUMNS, abs(place % COLUMNS - at % COLUMNS)
            keys, at = keys + down + across + times, place
    return keys


def grid_page(items: Sequence[GridItem], cost: Seconds) -> Work:
    """Return the work on one page of the Verify page."""
    corrected = sum(item.presses > 0 for item in items)
    seconds = cost.switch + cost.glance * len(items) + cost.corrected * corrected
    return Work(grid_keys(items), len(items), seconds)


def tick_image(
    present: Collection[int], letters: Mapping[int, int], cost: Seconds, *, rest_absent: bool
) -> Work:
    """Return the work on one image where positives are found by name and there is no model."""
    pairs = len(letters) if rest_absent else len(present)
    typed = Work(sum(letters[c] + 1 for c in present), 0, cost.typed * len(present))
    # The box that takes the letters stays open, so that each name costs no key to get there.
    return typed + Work(1, pairs, cost.switch + cost.decision * rest_absent)


ImageWork = Callable[[Mapping[str, Any], Collection[int], Mapping[int, int], Seconds], Work]


@dataclass(frozen=True)
class Digits:
    """Categories on digit keys."""

    shown: int = 0
    present: int = 0
    """Of those shown."""
    open_present: int = 0
    """On a digit or not."""

    def __add__(self, other: Digits) -> Digits:
        """Return both together."""
        return Digits(
            self.shown + other.shown,
            self.present + other.present,
            self.open_present + other.open_present,
        )

    def __str__(self) -> str:
        """Return the shares in words."""
        return (
            f"digits: {self.present:,} of {self.shown:,} present "
            f"({self.present / self.shown:.0%}), with them {self.present:,} of "
            f"{self.open_present:,} present pairs ({self.present / self.open_present:.0%})"
        )


@dataclass(frozen=True)
class Replay:
    """A project whose promoted version never saw the images of the session, and their truth."""

    services: Services
    session: list[int]
    """Image ids."""
    present: dict[int, set[int]]
    """Category ids by image id."""
    letters: dict[int, int]
    """By category id."""

    def ways(self, cost: Seconds) -> dict[str, Work]:
        """Return the work of the session in each way."""
        every = [self.present[image] for image in self.session]
        pages = list(self.pages(cost))
        plain = (
            sum((tick_image(p, self.letters, cost, rest_absent=absent) for p in every), Work())
            for absent in (False, True)
        )
        return {
            "Label: one key accepts, rest absent": sum(self.label(cost), Work()),
            "Label: a key to accept, rest absent": sum(
                self.label(cost, label_image_accepting), Work()
            ),
            f"Verify: every pair, pages of {PAGE}": sum((w for c in pages for w, _ in c), Work()),
            "Verify: each category until a page without it": sum(
                (w for c in pages for w in _until_none(c)), Work()
            ),
            "tick the positives, rest unknown": next(plain),
            "tick the positives, rest absent": next(plain),
        }

    def label(self, cost: Seconds, work: ImageWork = label_image) -> Iterator[Work]:
        """Yield the work on each image of the Label page."""
        for image in self.session:
            (item,) = self.services.labelling.items("replay", [image])
            yield work(item, self.present[image], self.letters, cost)

    def digits(self) -> Digits:
        """Return what the digit keys of the session were good for."""
        total = Digits()
        for image in self.session:
            (item,) = self.services.labelling.items("replay", [image])
            present = self.present[image]
            total += Digits(len(item["ask"]), len(present & set(item["ask"])), len(present))
        return total

    def pages(self, cost: Seconds) -> Iterator[list[tuple[Work, bool]]]:
        """Yield the pages of the Verify page, category by category, and which found something."""
        for category, about in self.services.verification.counts().items():
            found: list[tuple[Work, bool]] = []
            seen: list[int] = []
            for mode in ("confirm", "sweep") if about["taught"] else ("like",):
                while items := self._page(int(category), mode, seen):
                    grid = [
                        GridItem(i["guess"], int(category) in self.present[i["id"]]) for i in items
                    ]
                    found.append((grid_page(grid, cost), any(item.present for item in grid)))
                    seen += [item["id"] for item in items]
            yield found

    def _page(self, category: int, mode: str, seen: list[int]) -> list[wire.GridItem]:
        """Return the next images of a category; only those of the session are open."""
        asked = wire.PageRequest(category=category, mode=mode, count=PAGE, exclude=seen, tab="tab")
        return self.services.verification.page("replay", asked)["items"]


def _until_none(pages: Sequence[tuple[Work, bool]]) -> Iterator[Work]:
    for work, found in pages:
        yield work
        if not found:
            return


def prepare(data: str, known: int, session: int, seed: int, method: str) -> Replay:
    """Make the project if it is not there, train, and return what a replay needs."""
    folder = OUT / f"{data}-{known}-{session}-{seed}-{method}"
    pictures, file = _scenes(known + session, seed) if data == "scenes" else SETS[data]
    if not pictures.is_dir():
        sys.exit(f"{pictures} is not there; `--data scenes` needs no pictures from elsewhere")
    labels, names, truth = truth_of(file, FREQUENT[data])
    drawn = np.random.default_rng(seed).permutation(len(truth))[: known + session]
    asked = drawn[:session]
    project = folder / "project"
    if not (folder / "trained").exists():
        folder.mkdir(parents=True, exist_ok=True)
        kept = replace(labels, images=[labels.images[i] for i in drawn[session:]])
        write_known(folder / "known.csv", kept, names, truth[drawn[session:]], "positives", seed)
        options = ("--labels", str(folder / "known.csv"), "--unlisted", "absent")
        run("init", str(project), "--images", str(pictures), "--backbone", LITE0, *options)
        run("train", str(project), "--method", method)
        (folder / "trained").touch()
    services = Services.open(project)
    with services.store.reading() as tx:
        by_path = {p.path: i for i, ps in images.paths_of(tx).items() for p in ps}
        shown = {c.name: c.id for c in categories.every(tx)}
    ids = [by_path[labels.images[i].file_name] for i in asked]
    present = {
        image: {shown[name] for name, there in zip(names, truth[row], strict=True) if there}
        for image, row in zip(ids, asked, strict=True)
    }
    listed = [c["name"] for c in services.labelling.start("replay")["categories"]]
    letters = {shown[name]: letters_for(name, listed) for name in listed}
    return Replay(services, ids, present, letters)


def _scenes(count: int, seed: int) -> tuple[Path, Path]:
    target = OUT / f"scenes-{count}-{seed}"
    words = ("--out", str(target), "--count", str(count), "--seed", str(seed))
    subprocess.run([sys.executable, str(SCENES), *words], check=True, stdout=subprocess.DEVNULL)
    return target / "images", target / "truth" / "truth.csv"


def table(ways: Mapping[str, Work]) -> str:
    """Return the ways as Markdown."""
    lines = [
        "| way | keys | pairs known | keys a pair | estimated seconds | seconds a pair |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {w.keys:,} | {w.pairs:,} | {w.keys / w.pairs:.3f} | {w.seconds:,.0f} "
        f"| {w.seconds / w.pairs:.2f} |"
        for name, w in ways.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Replay and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", choices=sorted(FREQUENT), default="scenes")
    parser.add_argument("--known", type=int, default=500, help="images that the version learns")
    parser.add_argument("--session", type=int, default=200, help="images that are worked through")
    parser.add_argument("--method", default="kernel_ridge")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    replay = prepare(options.data, options.known, options.session, options.seed, options.method)
    positives = sum(map(len, replay.present.values()))
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}")
    print(f"commit {commit()}, seed {options.seed}, {options.data}, {options.method} on ", end="")
    print(f"{options.known} images; {len(replay.session)} others x {len(replay.letters)} ", end="")
    print(f"categories, {positives / len(replay.session):.1f} present an image\n")
    print(f"{replay.digits()}\n")
    print(table(replay.ways(Seconds())))
    replay.services.close()


if __name__ == "__main__":
    main()
