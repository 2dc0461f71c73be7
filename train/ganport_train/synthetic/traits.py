"""The traits a drawn face has or has not, under CelebA's names where CelebA has the trait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from random import Random

Chance = Callable[[str], Random]  # the stream of one part of a face, by the part's name


class Trait(StrEnum):
    """A trait that can be seen in the picture; its value is its name in the table."""

    BANGS = "Bangs"  # a fringe covers the forehead
    EYEGLASSES = "Eyeglasses"
    HAIR_BOW = "Hair_Bow"
    LONG_HAIR = "Long_Hair"  # loose or tied, it falls below the chin
    MOUTH_OPEN = "Mouth_Slightly_Open"
    ROSY_CHEEKS = "Rosy_Cheeks"
    SMILING = "Smiling"
    EARRINGS = "Wearing_Earrings"
    HAT = "Wearing_Hat"
    WINKING = "Winking"  # one eye is closed, the other open


PROBABILITIES: dict[Trait, float] = {
    Trait.BANGS: 0.5,
    Trait.EYEGLASSES: 0.3,
    Trait.HAIR_BOW: 0.3,
    Trait.LONG_HAIR: 0.5,
    Trait.MOUTH_OPEN: 0.45,
    Trait.ROSY_CHEEKS: 0.4,
    Trait.SMILING: 0.5,
    Trait.EARRINGS: 0.35,
    Trait.HAT: 0.3,
    Trait.WINKING: 0.25,
}


def traits_of(seed: int) -> frozenset[Trait]:
    """Draw the traits of the face of `seed`, each with its probability and apart from the rest."""
    return frozenset(
        trait
        for trait, probability in PROBABILITIES.items()
        if Random(f"ganport trait 1/{seed}/{trait}").random() < probability
    )


def signed_table(faces: Mapping[str, int]) -> str:
    """Return CelebA's table of the traits of `faces`, seeds by the names of their pictures.

    The number of faces, a line of all traits, then a line a face: its name, and 1 or -1 a trait
    (`list_attr_celeba.txt` of Z. Liu et al., "Deep Learning Face Attributes in the Wild", 2015).
    """
    lines = [str(len(faces)), " ".join(Trait)]
    for name, seed in faces.items():
        traits = traits_of(seed)
        signs = (" 1" if trait in traits else "-1" for trait in Trait)
        lines.append(" ".join((name, *signs)))
    return "\n".join(lines) + "\n"
