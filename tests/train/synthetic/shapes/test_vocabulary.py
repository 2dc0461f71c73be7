"""The objects of i-CLEVR, in its order."""

from __future__ import annotations

from ganport_train.synthetic.shapes.solids import SOLIDS
from ganport_train.synthetic.shapes.vocabulary import (
    COLOURS,
    OBJECTS,
    SHAPES,
    parted,
)


def test_the_objects_are_in_the_order_of_i_clevr() -> None:
    assert len(OBJECTS) == 24
    assert OBJECTS[:3] == ("gray cube", "red cube", "blue cube")
    assert OBJECTS[8] == "gray sphere"
    assert OBJECTS[21] == "purple cylinder"


def test_every_object_can_be_drawn() -> None:
    assert set(SHAPES) == set(SOLIDS)
    assert [parted(label) for label in OBJECTS] == [(c, s) for s in SHAPES for c in COLOURS]
