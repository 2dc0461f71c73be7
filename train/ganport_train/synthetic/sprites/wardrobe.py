"""What the characters of each class wear and carry."""

from __future__ import annotations

from dataclasses import dataclass

OUTFIT, SKIN = "outfit", "skin"
"""Materials of a sprite's own: the ramp of its outfit label, and its skin."""


@dataclass(frozen=True)
class Hat:
    """How a hat fits on hair.

    brim: rows of the grid above this one are the hat's, so that no hair sticks out of it.
    encloses: whether the hat also covers the sides and the back of the hair.
    """

    brim: int
    encloses: bool = False


HATS: dict[str, Hat] = {
    "bandana": Hat(8),
    "bent": Hat(9),
    "circlet": Hat(0),
    "feather": Hat(8),
    "fur": Hat(9, encloses=True),
    "halo": Hat(0),
    "headband": Hat(0),
    "helm": Hat(9, encloses=True),
    "hood": Hat(8, encloses=True),
    "horns": Hat(9),
    "mitre": Hat(8),
    "veil": Hat(8, encloses=True),
    "wizard": Hat(9),
}
HAIR_STYLES = ("short", "spiky", "bob", "long", "ponytail", "curly", "twin")
EYES = ("round", "round", "bright", "narrow", "stern", "happy")
MOUTHS = ("line", "smile", "open", "none")


@dataclass(frozen=True)
class Kit:
    """The parts of a class. A part is chosen at random; "" is none.

    bodies, hats, weapons: names without their folder in `parts.txt`.
    left: what the left hand holds, `dagger` for a second weapon.
    backs: what hangs behind the body.
    sleeves, trousers, boots: names of ramps, or `OUTFIT` or `SKIN`.
    robe: whether the body reaches to the ground.
    beards: probability of a beard.
    """

    bodies: tuple[str, ...]
    hats: tuple[str, ...]
    weapons: tuple[str, ...]
    left: tuple[str, ...] = ("",)
    backs: tuple[str, ...] = ("",)
    sleeves: tuple[str, ...] = (OUTFIT,)
    trousers: tuple[str, ...] = ("brown", "black")
    boots: tuple[str, ...] = ("brown",)
    robe: bool = False
    beards: float = 0.15
    mask: float = 0.0


CLASSES: dict[str, Kit] = {
    "archer": Kit(
        bodies=("tunic", "jerkin"),
        hats=("feather", "feather", "hood", "headband", ""),
        weapons=("bow", "shortbow"),
        backs=("quiver",),
        sleeves=("white", OUTFIT),
        trousers=("brown", "green"),
    ),
    "barbarian": Kit(
        bodies=("kilt", "vest"),
        hats=("horns", "horns", "fur", "headband", ""),
        weapons=("axe", "hammer"),
        left=("", "shield/round"),
        sleeves=(SKIN,),
        trousers=(SKIN, "brown"),
        beards=0.4,
    ),
    "cleric": Kit(
        bodies=("vestment", "cassock"),
        hats=("mitre", "veil", "circlet", "halo"),
        weapons=("mace", "cross"),
        left=("", "book"),
        sleeves=("white",),
        robe=True,
    ),
    "knight": Kit(
        bodies=("tabard", "plate"),
        hats=("helm", "helm", "circlet", ""),
        weapons=("sword", "broadsword", "spear"),
        left=("shield/kite", "shield/heater"),
        backs=("", "cape"),
        sleeves=("steel",),
        trousers=("steel",),
        boots=("steel", "brown"),
    ),
    "mage": Kit(
        bodies=("robe", "mantle"),
        hats=("wizard", "wizard", "bent", "hood"),
        weapons=("staff", "orb", "star"),
        left=("", "book"),
        robe=True,
        beards=0.3,
    ),
    "rogue": Kit(
        bodies=("jacket", "scarf"),
        hats=("hood", "bandana", ""),
        weapons=("dagger", "saber"),
        left=("dagger",),
        backs=("", "cape"),
        sleeves=("black", OUTFIT),
        trousers=("black", "brown"),
        boots=("black", "brown"),
        beards=0.0,
        mask=0.4,
    ),
}
