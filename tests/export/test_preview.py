import io

import numpy as np
import pytest
from PIL import Image

from ganport_export import Interface
from ganport_export.artifact import Artifact
from ganport_export.preview import render_preview
from ganport_runtime.bundle.manifest import GraphFile
from ganport_runtime.conditions import Conditions


def recording_artifact(interface: Interface, recorded: list) -> Artifact:
    """Return a graph of black images that records its inputs."""

    def run(batch):
        recorded.append(batch.inputs)
        return np.zeros((len(batch), 8, 8, 3), np.uint8)

    return Artifact(GraphFile("generator.onnx", "onnx", "fp32"), interface, b"", {}, {"mode": run})


def test_preview_of_a_translator_contains_each_value_of_the_first_group():
    recorded: list = []
    conditions = Conditions.one_hots({"hair": list("abc"), "eyes": list("cde")})
    interface = Interface("a", (), (8, 8), conditions, kind="gan.translate/1")
    data = render_preview(recording_artifact(interface, recorded))
    assert Image.open(io.BytesIO(data)).format == "PNG"
    (inputs,) = recorded
    assert len(inputs["image_in"]) == 2 * 3
    assert len(np.unique(inputs["image_in"], axis=0)) == 2
    assert len(np.unique(inputs["condition"], axis=0)) == 3


@pytest.mark.parametrize(
    ("labels", "rows", "columns"),
    [({}, 1, 6), ({"hair": list("ab")}, 2, 6), ({"hair": list("ab"), "eyes": list("cde")}, 2, 3)],
)
def test_preview_of_a_generator_has_groups_or_seeds_as_rows_and_columns(labels, rows, columns):
    recorded: list = []
    interface = Interface("a", (4,), (8, 8), Conditions.one_hots(labels))
    data = render_preview(recording_artifact(interface, recorded))
    assert Image.open(io.BytesIO(data)).format == "PNG"
    noise = np.concatenate([inputs["z"] for inputs in recorded])
    assert len(noise) == rows * columns
    assert len(np.unique(noise, axis=0)) == (columns if len(labels) < 2 else 1)
    if labels:
        condition = np.concatenate([inputs["condition"] for inputs in recorded])
        assert len(np.unique(condition, axis=0)) == (rows * columns if len(labels) > 1 else rows)
