"""The limits within which the output of a graph may differ from its fixture."""

from typing import Any

import numpy as np
import pytest

from ganport_runtime.bundle.manifest import GraphFile, Image
from ganport_runtime.errors import BundleError
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.verify import compare

FP32, FP16 = GraphFile("a.onnx", "onnx", "fp32"), GraphFile("b.onnx", "onnx", "fp16")


def images(*levels: float, dtype: str = "uint8") -> Any:
    return np.array(levels, dtype)


@pytest.mark.parametrize(
    ("found", "expected", "file", "good"),
    [
        (images(10, 20), images(11, 19), FP32, True),
        (images(10, 20), images(12, 20), FP32, False),
        (images(0), images(255), FP32, False),
        (images(*[10] * 1000), images(*[10] * 999, 12), FP16, True),
        (images(*[10] * 1000), images(*[10] * 998, 12, 12), FP16, False),
        (images(10), images(13), FP16, False),
        (images(0.5, dtype="float32"), images(0.5005, dtype="float32"), FP32, True),
        (images(0.5, dtype="float32"), images(0.502, dtype="float32"), FP32, False),
        (images(np.nan, dtype="float32"), images(0.5, dtype="float32"), FP32, False),
        (images(0.5, dtype="float32"), images(0.505, dtype="float32"), FP16, True),
        (images(1, 2), images(1), FP32, False),
    ],
)
def test_compare_accepts_only_outputs_within_the_limit(
    found: Any, expected: Any, file: GraphFile, good: bool
) -> None:
    if good:
        compare(found, expected, file, {})
    else:
        with pytest.raises(BundleError):
            compare(found, expected, file, {})


@pytest.mark.parametrize("limit", [1e-4, 1, True, "1", None])
def test_parity_limit_can_only_tighten_the_limit(limit: object) -> None:
    near, far = images(0.5, dtype="float32"), images(0.5005, dtype="float32")
    if limit == 1e-4:
        with pytest.raises(BundleError, match=r"within 1\.0e-04"):
            compare(near, far, FP32, {"limit": limit})
    else:
        compare(near, far, FP32, {"limit": limit})
        with pytest.raises(BundleError, match=r"within 1\.0e-03"):
            compare(near, far + np.float32(0.01), FP32, {"limit": limit})


SPRITE = Image(ImageFormat((20, 50), "rgba", palette=("#000000",)))


@pytest.mark.parametrize(
    ("file", "wrong", "image", "good"),
    [
        (FP32, 2, SPRITE, True),  # 0.1 % of 2000 pixels
        (FP32, 3, SPRITE, False),
        (FP16, 20, SPRITE, True),
        (FP16, 21, SPRITE, False),
        (FP32, 1, Image(ImageFormat((20, 50), "rgba"), "signed"), False),
        (FP32, 1, None, False),
    ],
)
def test_compare_accepts_few_pixels_of_a_discrete_image(
    file: GraphFile, wrong: int, image: Image | None, good: bool
) -> None:
    expected = np.zeros((2, 20, 50, 4), np.uint8)
    found = expected.copy()
    found.reshape(-1, 4)[:wrong] = 255
    if good:
        assert compare(found, expected, file, {}, image)
    else:
        with pytest.raises(BundleError):
            compare(found, expected, file, {}, image)


@pytest.mark.parametrize(("levels", "good"), [(0.9, True), (1.1, False)])
@pytest.mark.parametrize("file", [FP32, FP16])
def test_compare_allows_a_level_of_divided_colors(
    file: GraphFile, levels: float, good: bool
) -> None:
    image = Image(ImageFormat((20, 50), "rgba"), "unit")
    expected = np.zeros((2, 4, 20, 50), np.float32)
    found = expected + np.float32(levels / 255)
    if good:
        assert "levels" in compare(found, expected, file, {"limit": 1e-5}, image)
    else:
        with pytest.raises(BundleError):
            compare(found, expected, file, {"limit": 1e-5}, image)


def test_compare_of_a_discrete_image_refuses_nan() -> None:
    expected = np.zeros((2, 4, 20, 50), np.float32)
    found = expected.copy()
    found[0, 0, 0, 0] = np.nan
    with pytest.raises(BundleError):
        compare(found, expected, FP32, {}, Image(SPRITE.format, "unit"))
