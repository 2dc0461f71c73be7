"""A character of a seed: what it looks like, wears and carries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from ganport_train.synthetic.sprites.art import Part, load_parts
from ganport_train.synthetic.sprites.palette import LINE, RAMPS, SKINS, Ramp
from ganport_train.synthetic.sprites.wardrobe import (
    CLASSES,
    EYES,
    HAIR_STYLES,
    HATS,
    MOUTHS,
    OUTFIT,
    SKIN,
)

_FACE = (10, 21)  # first and last column of a face inside a hood
_CHEEKS = 0.5  # probability of red cheeks


@dataclass(frozen=True)
class Character:
    """The choices of a seed. A part is named as in `parts.txt`, "" is none."""

    robe: bool
    pose: str
    body: str
    back: str
    hat: str
    hair: str
    eyes: str
    mouth: str
    cheeks: bool
    beard: str
    mask: bool
    weapon: str
    lift: int  # pixels by which the weapon is lower
    left: str
    skin: Ramp
    iris: str
    sleeves: str
    trousers: str
    boots: str

    @classmethod
    def sample(cls, seed: int, kind: str) -> Character:
        """Return the character of `seed`; kind: a key of `CLASSES`."""
        kit = CLASSES[kind]

        def stream(part: str) -> Random:
            # Each part has its own random stream, so a change to one part keeps the others.
            return Random(f"ganport sprite 1/{seed}/{part}")

        bearded = stream("beard").random() < kit.beards
        return cls(
            robe=kit.robe,
            pose=stream("pose").choice(("stand", "left", "right")),
            body=stream("body").choice(kit.bodies),
            back=stream("back").choice(kit.backs),
            hat=stream("hat").choice(kit.hats),
            hair=stream("hair").choice(HAIR_STYLES),
            eyes=stream("eyes").choice(EYES),
            mouth=stream("mouth").choice(MOUTHS),
            cheeks=stream("cheeks").random() < _CHEEKS,
            beard=stream("beard style").choice(("full", "goatee")) if bearded else "",
            mask=stream("mask").random() < kit.mask,
            weapon=stream("weapon").choice(kit.weapons),
            lift=stream("lift").choice((-1, 0, 1)),
            left=stream("left").choice(kit.left),
            skin=SKINS[stream("skin").choice(tuple(SKINS))],
            iris=RAMPS[stream("iris").choice(("blue", "green", "brown"))][1],
            sleeves=stream("sleeves").choice(kit.sleeves),
            trousers=stream("trousers").choice(kit.trousers),
            boots=stream("boots").choice(kit.boots),
        )

    def materials(self, hair: Ramp, outfit: Ramp, weapon: Ramp) -> dict[str, str]:
        """Return the color of each letter of `parts.txt`, for three ramps of labels."""
        skin = (*self.skin, self.skin[-1])
        own = {OUTFIT: outfit, SKIN: skin}
        sleeves, trousers, boots = (
            own.get(name) or RAMPS[name] for name in (self.sleeves, self.trousers, self.boots)
        )
        ramps: dict[str, Ramp] = {
            "abc": outfit,
            "123": hair,
            "xyz": weapon,
            "def": sleeves,
            "gh": trousers[:2],
            "pqr": boots,
            "mn": self.skin,
            "ijk": RAMPS["steel"],
            "tuv": RAMPS["gold"],
            "DEW": RAMPS["white"],
            "#@": (LINE, LINE),
            "oB": (self.iris, RAMPS["red"][2]),
        }
        return {
            letter: color
            for letters, ramp in ramps.items()
            for letter, color in zip(letters, ramp, strict=True)
        }

    def body_parts(self) -> Iterator[Part]:
        """Yield what is behind the head, from back to front."""
        encloses = bool(self.hat) and HATS[self.hat].encloses
        yield from _parts(self.back)
        if not encloses:
            yield from _parts(f"back/{self.hair}")
        legs = "shoes" if self.robe else "legs"
        yield from _parts(f"{legs}/{self.pose}", f"body/{self.body}")
        yield from _parts("" if self.left == "dagger" else "arm/down")

    def head_parts(self) -> Iterator[Part]:
        """Yield head, face, hair and hat."""
        yield from _parts("head", "cheeks" if self.cheeks else "", f"mouth/{self.mouth}")
        yield from _parts(f"beard/{self.beard}" if self.beard else "", f"eyes/{self.eyes}")
        yield from _parts("mask" if self.mask else "")
        if not self.hat:
            yield from _parts(f"hair/{self.hair}")
            return
        hat = HATS[self.hat]
        if hat.encloses:
            yield load_parts()["hair/short"].below(hat.brim).between(*_FACE)
        else:
            yield load_parts()[f"hair/{self.hair}"].below(hat.brim)
        yield from _parts(f"hat/{self.hat}")

    def weapon_parts(self) -> Iterator[Part]:
        """Yield the arm, the weapon and the hand on the right, which move together."""
        yield from _parts("arm/hold", f"weapon/{self.weapon}", "hand")

    def left_parts(self) -> Iterator[Part]:
        """Yield what the left hand holds."""
        if self.left != "dagger":
            yield from _parts(self.left)
            return
        for part in _parts("arm/hold", "weapon/dagger", "hand"):
            yield part.mirrored()


def _parts(*names: str) -> Iterator[Part]:
    """Yield the named parts that there are; hair without a back has no part behind the head."""
    yield from (load_parts()[name] for name in names if name in load_parts())
