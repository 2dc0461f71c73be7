"""The page about exports: its example runs, and its tables name what exists."""

import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ganport_export.interface import Interface
from ganport_export.options import CHOICES
from ganport_export.targets import TARGETS
from ganport_runtime import Generator

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")


class Digits(nn.Module):
    """A network with the `forward` that the page describes."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.embed = nn.Embedding(10, 10)
            self.stem = nn.Linear(110, 28 * 28)

    def forward(self, labels: Tensor, noise: Tensor) -> dict[str, Tensor]:
        joined = torch.cat([noise, self.embed(labels)], dim=1)
        return {"image": torch.sigmoid(self.stem(joined)).view(-1, 1, 28, 28)}


def test_example_of_the_page_exports_digits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {"network": Digits().eval()})
    images = Generator.load("digits.ganport", device="cpu").generate({"digit": "7"}, seed=1)
    assert images.shape == (1, 28, 28, 1)
    assert np.ptp(images) > 10


def test_page_names_every_target_head_and_field():
    for name in (*TARGETS, *CHOICES["image"]):
        assert f"| `{name}` |" in PAGE
    for name in ("arguments", "condition_dtype", "output", "image_range"):
        assert f"`{name}=" in PAGE and name in Interface.__dataclass_fields__
