"""What the scenes are made of: kinds of things, where each belongs, and what goes with what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of thing that can stand in a picture."""

    name: str
    """The category's name; a plain noun."""
    supercategory: str
    """The family of categories; empty for scenery that is no category."""
    size: float
    """Longest side at the front of the picture, as a share of the picture's size."""
    homes: tuple[str, ...]
    """Zones where it belongs, the most usual first."""
    emoji: Mapping[str, str]
    """Emoji by scene or by zone, separated by blanks; the empty key is for everywhere else."""
    group: tuple[float, ...] = (1.0,)
    """Chances of one, two, three, ... of them together."""
    hue: float = 4.0
    """How far its colour may turn, in degrees: 180 for what is sold in every colour."""
    tilt: float = 3.0
    """How far it may lean, in degrees."""


class Scene(NamedTuple):
    """One type of place: how often it is drawn and what is likely to be there."""

    weight: float
    """How often, relative to the other scenes."""
    lights: Mapping[str, float]
    """Chances of each light."""
    chances: Mapping[str, float]
    """Chance of each category, before companions."""
    decor: str = ""
    """Names of scenery that is no category, separated by blanks."""


WALKING = "🧍 🧍‍♀️ 🧍‍♂️ 🚶 🚶‍♀️ 🚶‍♂️ 🏃 🏃‍♀️ 🏃‍♂️"
_ABOVE = ("sky",)
_FLOOR = ("ground",)
_TOP = ("top", "ground")

KINDS: tuple[Kind, ...] = (
    Kind(
        "person",
        "person",
        0.44,
        ("ground", "walk", "behind", "water"),
        {
            "": WALKING,
            "behind": "💁‍♀️ 💁‍♂️ 🙋‍♀️ 🙋‍♂️ 👩‍💼 👨‍💼",
            "kitchen behind": "👩‍🍳 👨‍🍳 👩‍🍳 👨‍🍳 💁‍♀️ 💁‍♂️",
            "kitchen": "🧍 🧍‍♀️ 🧍‍♂️ 🚶 🚶‍♀️",
            "farm": "🚶 🚶‍♀️ 🚶‍♂️ 🧍 🧍‍♀️ 🧍‍♂️",
            "beach": WALKING + " 🤾‍♀️ 🤾‍♂️ 🧘‍♀️ 🧘‍♂️",
            "park": WALKING + " 🤸‍♀️ 🤸‍♂️ 🧘‍♀️ 🧘‍♂️ 💃 🕺",
            "water": "🏊‍♀️ 🏊‍♂️ 🏊",
            "living room": "🧍 🧍‍♀️ 🧍‍♂️ 💃 🕺 🧘‍♀️ 🧘‍♂️",
            "bedroom": "🧍 🧍‍♀️ 🧍‍♂️ 🧘‍♀️ 🧘‍♂️",
            "office": "🧍 🧍‍♀️ 🧍‍♂️ 🚶‍♀️ 🚶‍♂️",
            "winter": "🚶 🚶‍♀️ 🚶‍♂️ 🧍 🧍‍♀️ 🏂",
        },
        (0.6, 0.27, 0.13),
        hue=0,
    ),
    Kind("dog", "animal", 0.24, ("ground", "walk"), {"": "🐕 🐩 🦮 🐕‍🦺"}, (0.85, 0.15), hue=8),
    Kind("cat", "animal", 0.19, ("ground", "walk", "top"), {"": "🐈 🐈‍⬛"}, (0.85, 0.15), hue=10),
    Kind("cow", "animal", 0.34, _FLOOR, {"": "🐄 🐂"}, (0.45, 0.35, 0.2), hue=6),
    Kind("sheep", "animal", 0.26, _FLOOR, {"": "🐑 🐏"}, (0.3, 0.3, 0.25, 0.15), hue=6),
    Kind("horse", "animal", 0.38, _FLOOR, {"": "🐎"}, (0.65, 0.35), hue=12),
    Kind(
        "bird",
        "animal",
        0.14,
        ("sky", "ground", "walk", "water"),
        {
            "": "🐦 🐤 🐦‍⬛ 🦜",
            "sky": "🕊️ 🐦 🐦‍⬛ 🦜",
            "farm": "🐓 🐤 🐥 🐦",
            "water": "🦆 🦢",
            "camping sky": "🦉 🐦‍⬛",
            "desert": "🐦‍⬛ 🐦",
        },
        (0.5, 0.3, 0.2),
        hue=10,
        tilt=10,
    ),
    Kind(
        "fish",
        "animal",
        0.19,
        ("under", "top"),
        {"": "🐟 🐠 🐡"},
        (0.3, 0.25, 0.2, 0.15, 0.1),
        hue=45,
        tilt=18,
    ),
    Kind(
        "car",
        "vehicle",
        0.38,
        ("road", "ground"),
        {"": "🚗 🚙 🚕 🚗 🚙 🛻 🚓", "desert": "🚙 🛻 🏎️", "farm": "🛻 🚙"},
        (0.55, 0.3, 0.15),
        hue=180,
        tilt=0,
    ),
    Kind("bus", "vehicle", 0.5, ("road", "ground"), {"": "🚌 🚎"}, (0.9, 0.1), hue=180, tilt=0),
    Kind("bicycle", "vehicle", 0.3, ("walk", "ground", "road"), {"": "🚲"}, (0.8, 0.2), hue=180),
    Kind("tractor", "vehicle", 0.42, ("ground",), {"": "🚜"}, hue=180, tilt=0),
    Kind("boat", "vehicle", 0.4, ("water",), {"": "⛵ 🚤 🛶 ⛴️ 🚢"}, (0.7, 0.3), hue=60),
    Kind("traffic light", "street", 0.17, ("post",), {"": "🚦 🚦 🚥"}, (0.75, 0.25), hue=0, tilt=0),
    Kind(
        "tree",
        "plant",
        0.66,
        ("back", "ground"),
        {"": "🌳 🌳 🌲", "beach": "🌴", "desert": "🌴", "winter": "🌲", "camping": "🌲 🌲 🌳"},
        (0.4, 0.35, 0.2, 0.05),
        hue=14,
    ),
    Kind("cactus", "plant", 0.4, _FLOOR, {"": "🌵"}, (0.4, 0.35, 0.25), hue=14),
    Kind(
        "flower",
        "plant",
        0.17,
        _TOP,
        {"": "🌼 🌻 🌷 🌹 🪻", "indoors": "💐 🌷 🌹"},
        (0.2, 0.25, 0.25, 0.2, 0.1),
        hue=16,
        tilt=8,
    ),
    Kind("sun", "sky", 0.22, _ABOVE, {"": "☀️ ☀️ 🌞"}, hue=6, tilt=30),
    Kind("moon", "sky", 0.19, _ABOVE, {"": "🌙 🌕 🌛 🌔 🌖"}, tilt=15),
    Kind(
        "umbrella",
        "accessory",
        0.3,
        ("ground", "walk"),
        {"": "☂️ ☔ 🌂", "beach": "⛱️ ⛱️ ☂️"},
        (0.75, 0.25),
        hue=180,
        tilt=8,
    ),
    Kind(
        "ball",
        "sport",
        0.12,
        ("ground", "walk"),
        {"": "⚽ 🏀 🏐 🎾 🏈", "beach": "🏐 ⚽ 🏐 🏈"},
        (0.85, 0.15),
        tilt=180,
    ),
    Kind("cup", "kitchen", 0.15, _TOP, {"": "☕ 🍵 🥤 🧋"}, (0.65, 0.35), hue=25, tilt=0),
    Kind("pizza", "food", 0.17, _TOP, {"": "🍕"}, (0.7, 0.3), tilt=25),
    Kind("apple", "food", 0.11, _TOP, {"": "🍎 🍏"}, (0.4, 0.35, 0.25), tilt=14),
    Kind("book", "indoor", 0.14, _TOP, {"": "📕 📗 📘 📙 📖 📚"}, (0.55, 0.3, 0.15), hue=25),
    Kind("laptop", "electronic", 0.25, _TOP, {"": "💻"}, (0.75, 0.25), hue=12, tilt=0),
    Kind("chair", "furniture", 0.36, _FLOOR, {"": "🪑"}, (0.65, 0.35), hue=40, tilt=0),
    Kind("bed", "furniture", 0.62, _FLOOR, {"": "🛏️"}, hue=180, tilt=0),
    Kind(
        "clock",
        "indoor",
        0.18,
        ("wall", "top"),
        {"": "⏰ 🕰️", "wall": "🕐 🕓 🕘 🕑 🕙 🕖"},
        hue=20,
        tilt=0,
    ),
    Kind("tent", "outdoor", 0.46, _FLOOR, {"": "⛺"}, (0.7, 0.3), hue=180, tilt=0),
    Kind("fire", "outdoor", 0.22, _FLOOR, {"": "🔥"}, hue=5),
    Kind("snowman", "outdoor", 0.36, _FLOOR, {"": "⛄ ☃️"}, (0.8, 0.2), hue=8),
)

DECOR: tuple[Kind, ...] = (
    Kind("teddy bear", "", 0.18, _TOP, {"": "🧸"}, hue=10),
    Kind("potted plant", "", 0.26, ("ground", "top"), {"": "🪴"}, hue=10),
    Kind("guitar", "", 0.28, _FLOOR, {"": "🎸"}, hue=120, tilt=10),
    Kind("crab", "", 0.13, ("ground", "floor"), {"": "🦀"}, hue=8),
    Kind("shell", "", 0.11, ("ground", "floor"), {"": "🐚"}, (0.5, 0.5), hue=20, tilt=25),
    Kind("octopus", "", 0.2, ("floor",), {"": "🐙"}, hue=40),
    Kind("butterfly", "", 0.11, _ABOVE, {"": "🦋"}, hue=180, tilt=35),
    Kind("mushroom", "", 0.12, _FLOOR, {"": "🍄"}, (0.4, 0.4, 0.2), hue=10),
    Kind("sledge", "", 0.22, _FLOOR, {"": "🛷"}, hue=30),
    Kind("log", "", 0.15, _FLOOR, {"": "🪵"}, (0.6, 0.4)),
    Kind("kite", "", 0.17, _ABOVE, {"": "🪁"}, hue=180, tilt=25),
    Kind("balloon", "", 0.18, _ABOVE, {"": "🎈"}, (0.6, 0.4), hue=180, tilt=8),
    Kind("pig", "", 0.25, _FLOOR, {"": "🐖"}, (0.6, 0.4), hue=6),
    Kind("camel", "", 0.38, _FLOOR, {"": "🐪 🐫"}, (0.7, 0.3), hue=8),
    Kind("rock", "", 0.16, ("ground", "floor"), {"": "🪨"}, (0.5, 0.5), hue=10),
    Kind("basket", "", 0.17, _TOP, {"": "🧺"}, hue=8),
    Kind("backpack", "", 0.19, _FLOOR, {"": "🎒"}, hue=180),
)

_OPEN_AIR = {"day": 0.58, "overcast": 0.12, "dusk": 0.16, "rain": 0.14}
_ROOM = {"day": 0.6, "evening": 0.28, "dim": 0.12}

# fmt: off
SCENES: dict[str, Scene] = {
    "street": Scene(0.15, {**_OPEN_AIR, "night": 0.1}, {
        "person": 0.36, "car": 0.78, "bus": 0.32, "bicycle": 0.32, "traffic light": 0.36,
        "tree": 0.44, "dog": 0.14, "bird": 0.10, "sun": 0.3, "cat": 0.06, "umbrella": 0.04,
        "flower": 0.05, "moon": 0.5,
    }, "balloon"),
    "park": Scene(0.14, _OPEN_AIR, {
        "person": 0.37, "tree": 0.80, "dog": 0.28, "ball": 0.32, "bicycle": 0.26, "bird": 0.34,
        "flower": 0.48, "sun": 0.5, "book": 0.05, "umbrella": 0.05, "cat": 0.06, "apple": 0.05,
    }, "butterfly kite balloon mushroom basket"),
    "farm": Scene(0.10, {"day": 0.65, "overcast": 0.12, "dusk": 0.15, "rain": 0.08}, {
        "cow": 0.54, "sheep": 0.46, "horse": 0.36, "tractor": 0.40, "tree": 0.42, "bird": 0.26,
        "flower": 0.24, "sun": 0.40, "person": 0.20, "dog": 0.18, "cat": 0.08, "apple": 0.05,
        "car": 0.05,
    }, "pig butterfly basket"),
    "beach": Scene(0.10, {"day": 0.68, "overcast": 0.1, "dusk": 0.22}, {
        "person": 0.37, "umbrella": 0.42, "ball": 0.30, "boat": 0.44, "sun": 0.48, "bird": 0.24,
        "chair": 0.16, "tree": 0.44, "dog": 0.12, "book": 0.06, "cup": 0.08,
    }, "crab shell kite"),
    "kitchen": Scene(0.10, _ROOM, {
        "cup": 0.52, "apple": 0.52, "pizza": 0.42, "chair": 0.26, "person": 0.24, "clock": 0.38,
        "cat": 0.20, "dog": 0.09, "flower": 0.14, "book": 0.10, "laptop": 0.07, "fish": 0.06,
    }, "potted_plant basket"),
    "living room": Scene(0.10, _ROOM, {
        "chair": 0.34, "book": 0.5, "cup": 0.36, "cat": 0.38, "dog": 0.22, "person": 0.23,
        "clock": 0.36, "laptop": 0.12, "pizza": 0.10, "ball": 0.08, "flower": 0.16,
        "umbrella": 0.04, "bicycle": 0.03,
    }, "teddy_bear potted_plant guitar"),
    "office": Scene(0.09, {"day": 0.75, "evening": 0.15, "dim": 0.1}, {
        "laptop": 0.8, "cup": 0.32, "book": 0.38, "chair": 0.44, "person": 0.30, "clock": 0.32,
        "flower": 0.10, "pizza": 0.06, "apple": 0.08, "umbrella": 0.05, "bicycle": 0.05,
    }, "potted_plant backpack"),
    "bedroom": Scene(0.05, _ROOM, {
        "bed": 0.84, "book": 0.24, "clock": 0.30, "cat": 0.22, "chair": 0.24, "cup": 0.12,
        "laptop": 0.14, "dog": 0.08, "person": 0.12, "ball": 0.06, "flower": 0.10,
    }, "teddy_bear potted_plant guitar backpack"),
    "winter": Scene(0.06, {"day": 0.4, "overcast": 0.25, "dusk": 0.15, "night": 0.2}, {
        "snowman": 0.72, "tree": 0.62, "person": 0.33, "dog": 0.18, "sun": 0.3, "moon": 0.5,
        "bird": 0.12, "car": 0.10, "fire": 0.05, "cup": 0.04, "ball": 0.04,
    }, "sledge rock"),
    "camping": Scene(0.05, {"night": 0.65, "dusk": 0.25, "day": 0.1}, {
        "tent": 0.72, "fire": 0.50, "moon": 0.62, "tree": 0.72, "person": 0.29, "cup": 0.12,
        "dog": 0.14, "bicycle": 0.08, "car": 0.12, "book": 0.06, "bird": 0.08, "boat": 0.30,
        "chair": 0.14, "sun": 0.2,
    }, "log mushroom rock backpack"),
    "sea": Scene(0.07, {"day": 0.62, "overcast": 0.14, "dusk": 0.16, "rain": 0.08}, {
        "fish": 0.78, "boat": 0.6, "bird": 0.26, "sun": 0.5, "person": 0.12,
    }, "crab shell octopus rock"),
    "desert": Scene(0.04, {"day": 0.65, "dusk": 0.22, "night": 0.13}, {
        "cactus": 0.78, "sun": 0.58, "car": 0.20, "tent": 0.16, "horse": 0.20, "fire": 0.06,
        "person": 0.19, "bird": 0.16, "tree": 0.10, "moon": 0.6, "bicycle": 0.04,
    }, "camel rock"),
}
# fmt: on

COMPANIONS: tuple[tuple[str, str, float], ...] = (
    ("traffic light", "car", 0.6),
    ("bus", "traffic light", 0.3),
    ("laptop", "cup", 0.35),
    ("laptop", "chair", 0.3),
    ("pizza", "cup", 0.5),
    ("book", "cup", 0.15),
    ("tent", "fire", 0.4),
    ("fire", "person", 0.2),
    ("bed", "book", 0.25),
    ("bed", "cat", 0.2),
    ("umbrella", "person", 0.2),
    ("umbrella", "chair", 0.3),
    ("ball", "dog", 0.3),
    ("ball", "person", 0.15),
    ("dog", "person", 0.12),
    ("horse", "person", 0.25),
    ("tractor", "person", 0.2),
    ("boat", "bird", 0.2),
    ("snowman", "person", 0.2),
    ("apple", "book", 0.12),
)
"""(this, brings that, with this chance), wherever the scene knows the second one at all."""

NEEDS_LIGHT = {"sun": ("day", "dusk"), "moon": ("night",)}
UMBRELLA_IN_RAIN = 0.5
INDOORS = ("kitchen", "living room", "office", "bedroom")

_RELATIVE_SIZES = {
    "🧘": 0.62, "🤸": 0.8, "🏊": 0.62, "🐤": 0.8, "🐥": 0.8, "🐓": 1.25, "🦢": 1.2, "🛶": 0.75,
    "🚤": 0.75, "🚢": 1.15, "📚": 1.15, "⛱": 1.5, "🎾": 0.8, "🌂": 0.85, "🌲": 1.05, "🌴": 1.05,
    "💁": 0.62, "🙋": 0.62, "👩": 0.62, "👨": 0.62, "🌻": 1.25, "🕰": 1.1, "🥤": 1.05,
}  # fmt: skip
_BY_NAME = {kind.name: kind for kind in KINDS + DECOR}


def kind_named(name: str) -> Kind:
    """Return the category or piece of scenery of that name; `_` stands for a blank."""
    return _BY_NAME[name.replace("_", " ")]


def relative_size(emoji: str) -> float:
    """Return the size of this emoji relative to others of its kind: who sits is not as tall."""
    return _RELATIVE_SIZES.get(emoji[0], 1.0)


def emoji_for(kind: Kind, scene: str, zone: str) -> list[str]:
    """List the emoji that may show this kind of thing in this zone of this scene."""
    indoors = "indoors" if scene in INDOORS else ""
    places = (f"{scene} {zone}", zone, scene, indoors, "")
    return next(kind.emoji[place] for place in places if place in kind.emoji).split()
