import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_train.data import Dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.resume_state import FOLDER
from ganport_train.evaluation.judge.storage import METADATA, WEIGHTS, JudgeError
from ganport_train.evaluation.judge.training import (
    JudgeSettings,
    JudgeTrainer,
    one_cycle,
    oom_as_judge_error,
)
from ganport_train.runs.train_state import StopSignal

CPU = torch.device("cpu")
TINY = JudgeSettings(resolution=16, width=4, epochs=3, batch_size=8, val_fraction=0.25)
Toy = Callable[..., Dataset]


def make_trainer(
    folder: Path,
    dataset: Dataset,
    settings: JudgeSettings = TINY,
    log: Callable[[str], None] = print,
) -> JudgeTrainer:
    trainer = JudgeTrainer(folder, dataset, settings, CPU, log)
    trainer.resume()
    return trainer


def train(folder: Path, dataset: Dataset, settings: JudgeSettings = TINY) -> dict[str, Any]:
    """Train to the end and return the metadata."""
    trainer = make_trainer(folder, dataset, settings)
    assert trainer.train(StopSignal())
    return dict(trainer.finish({}))


class StopAfter(StopSignal):
    """A stop signal that arrives during a step, counted from the start of the training."""

    def __init__(self, step: int, steps_per_epoch: int) -> None:
        # The trainer looks at the signal before every epoch and after every step.
        self._looks_left = step + step // steps_per_epoch + 1
        super().__init__()

    @property
    def requested(self) -> bool:  # type: ignore[override]
        self._looks_left -= 1
        return self._looks_left < 0

    @requested.setter
    def requested(self, value: bool) -> None:
        pass


def test_train_learns_two_colors(tmp_path: Path, toy: Toy) -> None:
    settings = replace(TINY, epochs=6, width=8)
    metadata = train(tmp_path, toy(160), settings)
    assert metadata["accuracy"]["shade"]["value"] > 0.9
    assert metadata["losses"][-1] < metadata["losses"][0]
    new = toy(200)
    outputs = Judge.load(tmp_path).predict(new.images).outputs
    assert (outputs.argmax(1) == new.vectors.argmax(1)).mean() > 0.9


def test_train_after_stops_gives_the_same_bytes(tmp_path: Path, toy: Toy) -> None:
    dataset, messages = toy(), list[str]()
    train(tmp_path / "whole", dataset)
    steps = make_trainer(tmp_path / "sizes", dataset).steps_per_epoch
    # Stop in the first epoch, of which nothing is saved, and in the third.
    for step in (1, 2 * steps + 1):
        trainer = make_trainer(tmp_path / "parts", dataset, log=messages.append)
        done = len(trainer.losses) * steps
        assert trainer.train(StopAfter(step - done, steps)) is False
    assert len(trainer.losses) == 2
    train(tmp_path / "parts", dataset)
    for name in (WEIGHTS, METADATA):
        whole, parts = (tmp_path / run / name for run in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes()
    assert len([line for line in messages if line.startswith("epoch")]) == 2
    assert not (tmp_path / "parts" / FOLDER).exists()


def test_resume_after_the_last_epoch_trains_no_more(tmp_path: Path, toy: Toy) -> None:
    make_trainer(tmp_path, toy()).train(StopSignal())
    again = make_trainer(tmp_path, toy())
    assert len(again.losses) == TINY.epochs
    assert again.train(StopSignal())
    again.finish({})
    assert Judge.load(tmp_path).metadata.fields["losses"] == again.losses


def test_train_with_another_seed_gives_another_judge(tmp_path: Path, toy: Toy) -> None:
    losses = [train(tmp_path / str(s), toy(), replace(TINY, seed=s))["losses"] for s in (0, 2**31)]
    assert losses[0] != losses[1]


def test_resume_with_other_settings_or_data_raises(tmp_path: Path, toy: Toy) -> None:
    trainer = make_trainer(tmp_path, toy())
    trainer.train(StopAfter(trainer.steps_per_epoch, trainer.steps_per_epoch))
    with pytest.raises(JudgeError, match="another batch size, another seed"):
        make_trainer(tmp_path, toy(), replace(TINY, batch_size=4, seed=1))
    with pytest.raises(JudgeError, match="another data set"):
        make_trainer(tmp_path, replace(toy(), digest="11" * 32))


def test_resume_with_another_precision_logs_a_note(tmp_path: Path, toy: Toy) -> None:
    trainer = make_trainer(tmp_path, toy())
    trainer.bf16 = not trainer.bf16
    trainer.train(StopAfter(trainer.steps_per_epoch, trainer.steps_per_epoch))
    messages: list[str] = []
    make_trainer(tmp_path, toy(), log=messages.append)
    assert len(messages) == 2
    assert messages[1].startswith("note: another precision")


def test_finish_writes_metadata_of_data_and_settings(tmp_path: Path, toy: Toy) -> None:
    dataset = toy()
    trainer = make_trainer(tmp_path, dataset)
    trainer.train(StopSignal())
    trainer.finish({"data": {"name": "toy"}})
    metadata = json.loads((tmp_path / METADATA).read_text())
    training, held_out = dataset.split(0.25)
    assert metadata["settings"] == asdict(TINY)
    assert metadata["conditions"] == dataset.conditions.to_json()
    assert metadata["data"] == {"name": "toy"}
    assert (metadata["training"], metadata["held_out"]) == (len(training), len(held_out))
    assert metadata["accuracy"]["shade"]["count"] == len(held_out)
    assert len(metadata["losses"]) == 3
    assert metadata["resized_with"] == "bilinear, antialiased"
    assert metadata["made_on"]["precision"] in ("fp32", "bf16")


KINDS = Conditions(
    (
        OneHot("shade", ("red", "blue")),
        JointOneHot("look", (OneHot("hair", ("red", "blue")), OneHot("eyes", ("black", "green")))),
        MultiHot("objects", ("cube", "ball", "cone")),
        SignedMultiHot("face", ("smiling", "bald")),
        Rgb("skin", "#000000", (-1.0, 1.0), {"only": "#ff0000"}),
        Scalar("age", 20, 0, 100),
    )
)


def request_of_every_kind(shade: str) -> dict[str, Any]:
    red = shade == "red"
    return {
        "shade": shade,
        "look": {"hair": shade, "eyes": "green"},
        "objects": ["cube", "ball"] if red else [],
        "face": ["bald"] if red else [],
        "skin": "#ff0000" if red else "#0000ff",
        "age": 20 if red else 80,
    }


def test_train_learns_every_kind_of_group(tmp_path: Path, toy: Toy) -> None:
    dataset = toy(128, conditions=KINDS, request=request_of_every_kind)
    accuracy = train(tmp_path, dataset, replace(TINY, epochs=16, width=8))["accuracy"]
    assert {name: part["kind"] for name, part in accuracy.items()} == {
        group.name: group.kind for group in KINDS.groups
    }
    for name in ("shade", "look", "objects", "face"):
        assert accuracy[name]["value"] > 0.9, name
    assert [name for name, part in accuracy.items() if not part["labels"]] == ["skin", "age"]
    loaded = Judge.load(tmp_path)
    assert loaded.conditions == KINDS
    outputs = loaded.predict(dataset.images).outputs
    assert outputs.shape == (128, KINDS.size)
    # The ages 20 and 80 lie at 0.2 and 0.8 of their range.
    age = outputs[:, KINDS.slices["age"]].ravel()
    assert age[0::2].mean() < 0.5 < age[1::2].mean()


def test_train_with_fewer_images_than_a_batch_uses_one_batch(tmp_path: Path, toy: Toy) -> None:
    trainer = make_trainer(tmp_path, toy(12), replace(TINY, batch_size=64, epochs=1))
    assert trainer.steps_per_epoch == 1
    assert trainer.train(StopSignal())
    assert trainer.finish({})["held_out"] == len(trainer.val_rows)


def with_keys(dataset: Dataset, *fractions: float) -> Dataset:
    """Return the first images of a data set with split keys at `fractions` of their range."""
    count = len(fractions)
    return replace(
        dataset,
        images=dataset.images[:count],
        vectors=dataset.vectors[:count],
        ids=dataset.ids[:count],
        split_keys=np.array([int(fraction * 2**64) for fraction in fractions], np.uint64),
    )


def test_train_on_two_images_with_one_held_out_works(tmp_path: Path, toy: Toy) -> None:
    metadata = train(tmp_path, with_keys(toy(), 0.1, 0.5, 0.9))
    assert (metadata["training"], metadata["held_out"]) == (2, 1)


@pytest.mark.parametrize(("fractions", "found"), [((0.5,), "1 and 0"), ((0.1, 0.1), "2 and 0")])
def test_trainer_with_too_few_images_raises(
    tmp_path: Path, toy: Toy, fractions: tuple[float, ...], found: str
) -> None:
    with pytest.raises(JudgeError) as caught:
        make_trainer(tmp_path, with_keys(toy(), *fractions))
    assert caught.value.found == found
    assert list(tmp_path.iterdir()) == []


def test_trainer_without_labels_raises(tmp_path: Path, toy: Toy) -> None:
    plain = toy(conditions=Conditions(), request=lambda shade: {})
    with pytest.raises(JudgeError, match="without labels"):
        make_trainer(tmp_path, plain)


def test_train_with_a_loss_of_nan_raises(tmp_path: Path, toy: Toy) -> None:
    dataset = toy()
    broken = replace(dataset, vectors=np.full_like(dataset.vectors, np.nan))
    with pytest.raises(JudgeError, match=r"step 0.*a loss of nan"):
        make_trainer(tmp_path, broken).train(StopSignal())


def test_save_epoch_with_infinite_weights_raises_and_saves_nothing(
    tmp_path: Path, toy: Toy
) -> None:
    trainer = make_trainer(tmp_path, toy())
    with torch.no_grad():
        trainer.network.head.bias.fill_(torch.inf)
    with pytest.raises(JudgeError, match=r"head\.bias"):
        trainer.save_epoch()
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_one_cycle_warms_up_for_a_tenth_and_falls_to_0() -> None:
    rates = [one_cycle(step, 100) for step in range(100)]
    assert rates[:9] == pytest.approx([step / 10 for step in range(1, 10)])
    assert rates[9] == pytest.approx(1)
    assert rates[54] == pytest.approx(0.5)  # the middle of the cosine
    assert rates[99] == pytest.approx(0)
    assert sorted(rates[9:], reverse=True) == rates[9:]


def test_oom_as_judge_error_names_the_smaller_options() -> None:
    with (
        pytest.raises(JudgeError, match=r"DefaultCPUAllocator.*--batch-size"),
        oom_as_judge_error(),
    ):
        torch.empty(1 << 60)
    with pytest.raises(JudgeError, match="none left"), oom_as_judge_error():
        raise MemoryError


def test_oom_as_judge_error_passes_other_errors() -> None:
    with pytest.raises(RuntimeError, match="must match the size"), oom_as_judge_error():
        torch.ones(2) + torch.ones(3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_judge_trained_on_a_gpu_loads_on_a_cpu(tmp_path: Path, toy: Toy) -> None:
    settings = replace(TINY, epochs=6, width=8)
    trainer = JudgeTrainer(tmp_path, toy(160), settings, torch.device("cuda"), print)
    trainer.resume()
    assert trainer.train(StopSignal())
    assert trainer.finish({})["accuracy"]["shade"]["value"] > 0.9
    assert Judge.load(tmp_path).predict(toy(4).images).outputs.shape == (4, 2)
