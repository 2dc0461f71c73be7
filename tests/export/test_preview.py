import io

import numpy as np
import pytest
from PIL import Image

from ganport_export import Interface
from ganport_export.preview import draw_preview
from ganport_export.runners import Artifact
from ganport_runtime.conditions import Conditions


def player(asked: list):
    def play(sample):
        asked.append(sample.inputs)
        return np.zeros((len(sample), 8, 8, 3), np.uint8)

    return play


def test_a_translator_is_shown_with_what_comes_in_and_each_value_of_a_group():
    asked: list = []
    conditions = Conditions.one_hots({"hair": list("abc"), "eyes": list("cde")})
    interface = Interface("a", (), (8, 8), conditions, kind="gan.translate/1")
    artifact = Artifact(
        "generator.onnx", "onnx", "fp32", interface, b"", {}, {"a player": player(asked)}
    )
    assert Image.open(io.BytesIO(draw_preview(artifact))).format == "PNG"
    (inputs,) = asked
    assert len(inputs["image_in"]) == 2 * 3
    assert len(np.unique(inputs["image_in"], axis=0)) == 2
    assert len(np.unique(inputs["condition"], axis=0)) == 3


@pytest.mark.parametrize(
    ("labels", "rows", "columns"),
    [({}, 1, 6), ({"hair": list("ab")}, 2, 6), ({"hair": list("ab"), "eyes": list("cde")}, 2, 3)],
)
def test_rows_and_columns_are_groups_and_else_seeds(labels, rows, columns):
    asked: list = []
    interface = Interface("a", (4,), (8, 8), Conditions.one_hots(labels))
    artifact = Artifact(
        "generator.onnx", "onnx", "fp32", interface, b"", {}, {"a player": player(asked)}
    )
    data = draw_preview(artifact)
    assert Image.open(io.BytesIO(data)).format == "PNG"
    noise = np.concatenate([inputs["z"] for inputs in asked])
    assert len(noise) == rows * columns
    assert len(np.unique(noise, axis=0)) == (columns if len(labels) < 2 else 1)
    if labels:
        condition = np.concatenate([inputs["condition"] for inputs in asked])
        assert len(np.unique(condition, axis=0)) == (rows * columns if len(labels) > 1 else rows)
