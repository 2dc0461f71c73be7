"""Binary traits of a drawn face, under CelebA's names if CelebA has the trait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from random import Random

Streams = Callable[
    [str], Random
]  # the random stream of one part of a face, by the name of the part


class Trait(StrEnum):
    """A visible trait; its value is its name in the table."""

    BANGS = "Bangs"  # hair covers the forehead
    EYEGLASSES = "Eyeglasses"
    HAIR_BOW = "Hair_Bow"
    LONG_HAIR = "Long_Hair"  # loose or tied, falls below the chin
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


def sample_traits(seed: int) -> frozenset[Trait]:
    """Return the random traits of the face of `seed`, each independent of the others."""
    return frozenset(
        trait
        for trait, probability in PROBABILITIES.items()
        if Random(f"ganport trait 1/{seed}/{trait}").random() < probability
    )


def celeba_table(faces: Mapping[str, int]) -> str:
    """Return the traits of `faces`, seeds by image name, as CelebA's attribute table.

    The lines are the number of faces, the names of the traits, and one line per face: its name,
    then 1 or -1 for each trait (`list_attr_celeba.txt` of Z. Liu et al., "Deep Learning Face
    Attributes in the Wild", 2015).
    """
    lines = [str(len(faces)), " ".join(Trait)]
    for name, seed in faces.items():
        traits = sample_traits(seed)
        signs = (" 1" if trait in traits else "-1" for trait in Trait)
        lines.append(" ".join((name, *signs)))
    return "\n".join(lines) + "\n"
