from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from ganport_runtime.files import sha256_of
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.scores.extractors import (
    MAX_WEIGHTS,
    ExtractorError,
    Inception,
    cached_features,
)

CPU = torch.device("cpu")


class Untrained(FeatureExtractorInceptionV3):
    """The network with its initial weights."""

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        return None


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    empty = tmp_path_factory.mktemp("empty") / "empty.pth"
    torch.save({}, empty)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Untrained("x", ["2048"], feature_extractor_weights_path=str(empty))
    return dict(network.state_dict())


@pytest.fixture(scope="module")
def saved(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(weights, path)
    return path


def test_inception_features_equal_those_of_torch_fidelity(
    weights: dict[str, Tensor], saved: Path, tmp_path: Path
) -> None:
    other = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(weights, other)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    extractor = Inception(saved, CPU)
    assert (extractor.name, extractor.digest) == ("inception", sha256_of(saved))
    found = extractor.features(images)
    assert found.shape == (2, 2048)
    assert not np.array_equal(found[0], found[1])
    plain = FeatureExtractorInceptionV3("x", ["2048"], feature_extractor_weights_path=str(saved))
    block = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    assert np.array_equal(found, plain(block)[0].numpy())
    assert np.allclose(Inception(other, CPU).features(images[:1]), found[:1], atol=1e-4)


class Malicious:
    def __reduce__(self) -> Any:
        return (print, ("unpickled",))


def test_inception_with_a_malicious_pickle_raises_without_running_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"weights": Malicious()}, path)
    with pytest.raises(ExtractorError, match="other than tensors"):
        Inception(path, CPU)
    assert "unpickled" not in capsys.readouterr().out


class WritingOnLoad(torch.nn.Module):
    """A script module that writes a file as soon as torch.jit.load reads it."""

    training: bool

    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return torch.zeros(1), self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        torch.save(state[0], "written")
        self.training = state[1]

    def forward(self, images: Tensor) -> Tensor:
        return images


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_inception_with_a_script_module_raises_without_running_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    torch.jit.save(torch.jit.script(WritingOnLoad()), path)
    with pytest.raises(ExtractorError):
        Inception(path, CPU)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_inception_with_another_file_raises(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    with pytest.raises(ExtractorError, match="No such file"):
        Inception(path, CPU)
    for data in (b"", b"no weights", b"PK\x03\x04" + bytes(200)):
        path.write_bytes(data)
        with pytest.raises(ExtractorError) as caught:
            Inception(path, CPU)
        assert caught.value.place == str(path)


def test_inception_with_weights_of_another_network_raises(
    weights: dict[str, Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    for content, message in (
        ({"layer": torch.zeros(2)}, "Missing key"),
        ({**weights, "fc.bias": torch.zeros(3)}, "size mismatch for fc.bias"),
        ([torch.zeros(2)], "other than named tensors"),
        ({"layer": 3}, "other than named tensors"),
    ):
        torch.save(content, path)
        with pytest.raises(ExtractorError, match=message):
            Inception(path, CPU)


def test_inception_with_a_huge_file_raises(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with path.open("wb") as file:
        file.truncate(MAX_WEIGHTS + 1)
    with pytest.raises(ExtractorError, match="1,073,741,825 bytes"):
        Inception(path, CPU)


class CountingExtractor:
    """An extractor that counts its calls."""

    name, digest = "judge", "ab" * 32

    def __init__(self) -> None:
        self.calls = 0

    def features(self, images: Any) -> Any:
        self.calls += 1
        return images.reshape(len(images), -1)[:, :4].astype(np.float32)


def test_cached_features_are_computed_once_per_data_set(dataset: Dataset, tmp_path: Path) -> None:
    extractor = CountingExtractor()
    first = cached_features(extractor, dataset, tmp_path)
    assert np.array_equal(cached_features(extractor, dataset, tmp_path), first)
    assert extractor.calls == 1
    cached_features(extractor, replace(dataset, ids=dataset.ids[::-1]), tmp_path)
    cached_features(extractor, replace(dataset, digest="00" * 32), tmp_path)
    assert extractor.calls == 3
    for file in (tmp_path / "features").iterdir():
        file.write_bytes(b"corrupt")
    assert np.array_equal(cached_features(extractor, dataset, tmp_path), first)
    assert extractor.calls == 4


def test_cached_features_without_a_writable_cache_are_computed(
    dataset: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    extractor = CountingExtractor()
    assert len(cached_features(extractor, dataset, tmp_path / "file")) == len(dataset)


def test_cached_features_of_the_judge_equal_its_features(
    dataset: Dataset, judge: Judge, tmp_path: Path
) -> None:
    features = cached_features(judge, dataset, tmp_path)
    assert np.array_equal(features, judge.features(dataset.images))
