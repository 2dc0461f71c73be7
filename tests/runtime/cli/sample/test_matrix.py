from pathlib import Path
from typing import Any

import pytest

from ganport_runtime import Generator


@pytest.mark.parametrize("count", [1, 2])
def test_matrix(
    run: Any, bundle: Path, tmp_path: Path, count: int, opened: Any, shows: Any
) -> None:
    out = tmp_path / "matrix.png"
    result = run("sample-gan", "matrix", bundle, "--rows", "hair", "--columns", "eyes",
                 "--out", out, "--seed", 5, "--count", count, "--scale", 2)  # fmt: skip
    assert result.code == 0
    page, pictures = opened(out)
    assert len(pictures) == 6 * count
    assert {picture["seed"] for picture in pictures} == {"5", "6"} if count == 2 else {"5"}
    generator = Generator.load(bundle)
    for made in pictures:
        image = generator.generate(made["condition"], seed=int(made["seed"]))[0]
        assert shows(page, image, 2)
    assert [p["condition"]["eyes"] for p in pictures[:2]] == ["blue", "green"]
