import sys
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from ganport_runtime import Bundle, BundleError, Generator
from ganport_runtime.bundle.manifest import DIRECTIONS_NAME
from ganport_runtime.verify import verify


def test_flow_has_read_only_directions(tiny_flow: Any) -> None:
    directions = Generator.load(tiny_flow.path).directions
    assert set(directions) == {"face/smiling", "face/young", "face/glasses"}
    for direction in directions.values():
        assert direction.shape == (3, 8, 8)
        assert direction.dtype == np.float32
    with pytest.raises(TypeError):
        directions["face/bald"] = direction  # type: ignore[index]


def test_directions_need_neither_safetensors_nor_torch(
    tiny_flow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)  # importing it is an ImportError
    monkeypatch.setitem(sys.modules, "torch", None)
    bundle = Bundle.open(tiny_flow.path)
    assert len(Generator(bundle).directions) == 3
    assert all(check.passed for check in verify(bundle))


def test_bundles_without_directions_have_none(tiny: Any, tiny_translator: Any) -> None:
    assert dict(Generator.load(tiny.path).directions) == {}
    assert dict(Generator.load(tiny_translator.path).directions) == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((3, 8, 9), np.float32), "expected float32 (3, 8, 8); found float32 (3, 8, 9)"),
        (np.zeros((3, 8, 8), np.uint8), "found uint8 (3, 8, 8)"),
        (np.full((3, 8, 8), np.inf, np.float32), "finite numbers; found NaN or infinity"),
    ],
)
def test_directions_of_wrong_type_shape_or_value_are_a_bundle_error(
    tiny_flow: Any, value: Any, message: str
) -> None:
    tiny_flow.rewrite(DIRECTIONS_NAME, lambda _: save({"face/young": value}))
    with pytest.raises(BundleError) as caught:
        Bundle.open(tiny_flow.path).read_directions()
    assert f"{DIRECTIONS_NAME}: face/young: " in str(caught.value)
    assert message in str(caught.value)


def test_changed_directions_are_a_bundle_error(tiny_flow: Any) -> None:
    file = tiny_flow.path / DIRECTIONS_NAME
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    generator = Generator.load(tiny_flow.path)
    with pytest.raises(BundleError, match="expected SHA-256"):
        _ = generator.directions
