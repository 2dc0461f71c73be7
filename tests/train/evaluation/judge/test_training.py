"""A judge learns, goes on exactly where it stopped, and refuses what it cannot learn from."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

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
from ganport_train.evaluation.judge.file import CARD, WEIGHTS, JudgeError
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.resume_state import FOLDER
from ganport_train.evaluation.judge.training import JudgeTrainer, Settings, cycle
from ganport_train.runs.stop_signal import Interrupt

CPU = torch.device("cpu")
TINY = Settings(resolution=16, width=4, epochs=3, batch=8, held_out=0.25)
Toy = Callable[..., Dataset]


def trainer(
    folder: Path, dataset: Dataset, settings: Settings = TINY, say: Callable[[str], None] = print
) -> JudgeTrainer:
    made = JudgeTrainer(folder, dataset, settings, CPU, say)
    made.resume()
    return made


def finished(folder: Path, dataset: Dataset, settings: Settings = TINY) -> dict[str, Any]:
    made = trainer(folder, dataset, settings)
    assert made.train(Interrupt())
    return dict(made.finish({}))


def stopped_at(step: int, made: JudgeTrainer) -> Interrupt:
    """An interrupt that comes while a step is under way, counted from the start."""
    interrupt, take = Interrupt(), made._step

    def watched(rows: NDArray[np.int64], number: int) -> float:
        interrupt.asked = number == step
        return take(rows, number)

    made._step = watched  # type: ignore[method-assign]
    return interrupt


def test_two_colours_are_learnt(tmp_path: Path, toy: Toy) -> None:
    settings = replace(TINY, epochs=6, width=8)
    card = finished(tmp_path, toy(160), settings)
    assert card["accuracy"]["shade"]["value"] > 0.9
    assert card["losses"][-1] < card["losses"][0]
    fresh = toy(200)
    outputs = Judge.load(tmp_path).look(fresh.images).outputs
    assert (outputs.argmax(1) == fresh.vectors.argmax(1)).mean() > 0.9


def test_a_stopped_training_ends_with_the_same_bytes(tmp_path: Path, toy: Toy) -> None:
    dataset, said = toy(), list[str]()
    finished(tmp_path / "whole", dataset)
    # In the middle of the first epoch, of which nothing is kept, and of the third.
    for step in (1, 2 * trainer(tmp_path / "sizes", dataset).steps + 1):
        made = trainer(tmp_path / "parts", dataset, say=said.append)
        assert made.train(stopped_at(step, made)) is False
    assert len(made.losses) == 2
    finished(tmp_path / "parts", dataset)
    for name in (WEIGHTS, CARD):
        whole, parts = (tmp_path / run / name for run in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes()
    assert [line for line in said if line.startswith("epoch")] == [
        f"epoch {number} of 3: loss {loss:.4f}" for number, loss in enumerate(made.losses, start=1)
    ]
    assert not (tmp_path / "parts" / FOLDER).exists()


def test_a_kill_after_the_last_epoch_loses_nothing(tmp_path: Path, toy: Toy) -> None:
    trainer(tmp_path, toy()).train(Interrupt())
    said: list[str] = []
    again = trainer(tmp_path, toy(), say=said.append)
    assert said == ["going on after epoch 3"]
    assert again.train(Interrupt())
    again.finish({})
    assert Judge.load(tmp_path).card["losses"] == again.losses


def test_another_seed_gives_another_judge(tmp_path: Path, toy: Toy) -> None:
    cards = [finished(tmp_path / str(s), toy(), replace(TINY, seed=s)) for s in (0, 2**31)]
    assert cards[0]["losses"] != cards[1]["losses"]


def test_other_settings_and_data_are_refused(tmp_path: Path, toy: Toy) -> None:
    made = trainer(tmp_path, toy())
    made.train(stopped_at(made.steps, made))
    with pytest.raises(JudgeError, match=r"another batch, another seed\. Run the command as"):
        trainer(tmp_path, toy(), replace(TINY, batch=4, seed=1))
    with pytest.raises(JudgeError, match="found another data set"):
        trainer(tmp_path, replace(toy(), digest="11" * 32))


def test_another_machine_is_noted(tmp_path: Path, toy: Toy) -> None:
    made = trainer(tmp_path, toy())
    made.half = not made.half
    made.train(stopped_at(made.steps, made))
    said: list[str] = []
    trainer(tmp_path, toy(), say=said.append)
    assert said == [
        "going on after epoch 1",
        "note: another precision; the judge will not be the same bit for bit",
    ]


def test_the_card_says_all_it_was_made_of(tmp_path: Path, toy: Toy) -> None:
    dataset = toy()
    made = trainer(tmp_path, dataset)
    made.train(Interrupt())
    made.finish({"data": {"name": "toy"}})
    card = json.loads((tmp_path / CARD).read_text())
    train, held = dataset.split(0.25)
    assert card["settings"] == asdict(TINY)
    assert card["conditions"] == dataset.conditions.to_json()
    assert card["data"] == {"name": "toy"}
    assert (card["training"], card["held_out"]) == (len(train), len(held))
    assert card["accuracy"]["shade"]["count"] == len(held)
    assert len(card["losses"]) == 3
    assert card["resized_with"] == "bilinear, antialiased"
    assert card["made_on"]["precision"] in ("fp32", "bf16")


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


def of_every_kind(shade: str) -> dict[str, Any]:
    red = shade == "red"
    return {
        "shade": shade,
        "look": {"hair": shade, "eyes": "green"},
        "objects": ["cube", "ball"] if red else [],
        "face": ["bald"] if red else [],
        "skin": "#ff0000" if red else "#0000ff",
        "age": 20 if red else 80,
    }


def test_every_kind_of_group_has_its_head(tmp_path: Path, toy: Toy) -> None:
    dataset = toy(128, conditions=KINDS, request=of_every_kind)
    card = finished(tmp_path, dataset, replace(TINY, epochs=16, width=8))
    kinds = {name: part["kind"] for name, part in card["accuracy"].items()}
    assert kinds == {group.name: group.kind for group in KINDS.groups}
    for name in ("shade", "look", "objects", "face"):
        assert card["accuracy"][name]["value"] > 0.9, name
    assert [name for name, part in card["accuracy"].items() if not part["labels"]] == [
        "skin",
        "age",
    ]
    loaded = Judge.load(tmp_path)
    assert loaded.conditions == KINDS
    outputs = loaded.look(dataset.images).outputs
    assert outputs.shape == (128, KINDS.size)
    # The ages 20 and 80 lie at 0.2 and 0.8 of their range.
    age = outputs[:, KINDS.slices["age"]].ravel()
    assert age[0::2].mean() < 0.5 < age[1::2].mean()


def test_fewer_pictures_than_a_batch_are_one_batch(tmp_path: Path, toy: Toy) -> None:
    made = trainer(tmp_path, toy(12), replace(TINY, batch=64, epochs=1))
    assert made.steps == 1
    assert made.train(Interrupt())
    assert made.finish({})["held_out"] == len(made.held_rows)


def with_keys(dataset: Dataset, *shares: float) -> Dataset:
    """The first pictures of a set, each on the side that its share of all keys puts it."""
    count = len(shares)
    return replace(
        dataset,
        images=dataset.images[:count],
        vectors=dataset.vectors[:count],
        ids=dataset.ids[:count],
        split_keys=np.array([int(share * 2**64) for share in shares], np.uint64),
    )


def test_two_pictures_and_one_held_out_are_enough(tmp_path: Path, toy: Toy) -> None:
    card = finished(tmp_path, with_keys(toy(), 0.1, 0.5, 0.9))
    assert (card["training"], card["held_out"]) == (2, 1)


@pytest.mark.parametrize(("shares", "found"), [((0.5,), "1 and 0"), ((0.1, 0.9), "1 and 1")])
def test_fewer_are_refused(tmp_path: Path, toy: Toy, shares: tuple[float, ...], found: str) -> None:
    with pytest.raises(JudgeError, match=f"at least two pictures to train on .*found {found}"):
        trainer(tmp_path, with_keys(toy(), *shares))
    assert list(tmp_path.iterdir()) == []


def test_a_set_without_labels_is_refused(tmp_path: Path, toy: Toy) -> None:
    plain = toy(conditions=Conditions(), request=lambda shade: {})
    with pytest.raises(JudgeError, match="its pictures have no labels"):
        trainer(tmp_path, plain)


def test_a_loss_that_is_no_number_stops(tmp_path: Path, toy: Toy) -> None:
    dataset = toy()
    broken = replace(dataset, vectors=np.full_like(dataset.vectors, np.nan))
    with pytest.raises(JudgeError, match=r"step 0: expected a loss of finite numbers; found nan"):
        trainer(tmp_path, broken).train(Interrupt())


def test_weights_gone_bad_are_not_kept(tmp_path: Path, toy: Toy) -> None:
    made = trainer(tmp_path, toy())
    with torch.no_grad():
        made.network.head.bias.fill_(torch.inf)
    with pytest.raises(JudgeError, match=r"weights head\.bias of finite numbers"):
        made.save()
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_the_rate_rises_for_a_tenth_and_then_falls_to_nothing() -> None:
    rates = [cycle(step, 100) for step in range(100)]
    assert rates[:9] == pytest.approx([step / 10 for step in range(1, 10)])
    assert rates[9] == pytest.approx(1)
    assert rates[54] == pytest.approx(0.5)  # half of what is left
    assert rates[99] == pytest.approx(0)
    assert sorted(rates[9:], reverse=True) == rates[9:]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_trains_a_judge_that_a_cpu_reads(tmp_path: Path, toy: Toy) -> None:
    made = JudgeTrainer(
        tmp_path, toy(160), replace(TINY, epochs=6, width=8), torch.device("cuda"), print
    )
    made.resume()
    assert made.train(Interrupt())
    assert made.finish({})["accuracy"]["shade"]["value"] > 0.9
    assert Judge.load(tmp_path).look(toy(4).images).outputs.shape == (4, 2)
