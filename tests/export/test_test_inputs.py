from itertools import combinations

import numpy as np
import pytest
import torch

from ganport_export import Interface
from ganport_export.test_inputs import (
    BATCHES,
    MAX_VALUES,
    request,
    sample,
    samples,
    sources,
    values,
)
from ganport_runtime.conditions import (
    Conditions,
    JointOneHot,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
    SignedMultiHot,
)
from ganport_runtime.images.encode import to_float, to_uint8
from ganport_runtime.noise import normals

KINDS = (
    OneHot("hair", ("red", "blue")),
    JointOneHot("pair", (OneHot("eyes", ("black", "brown")), OneHot("skin", ("pale", "dark")))),
    MultiHot("items", ("hat", "scarf", "ring"), max_active=2),
    SignedMultiHot("traits", ("young", "smiling")),
    Rgb("light", default="#ffffff"),
    Scalar("age", default=0.5, min=0.0, max=1.0),
)


def test_samples_are_the_runtime_s_noise_and_no_two_rows_are_alike(interface):
    batches = samples(interface)
    assert tuple(map(len, batches)) == BATCHES == (1, 2, 3, 7)
    noise = np.concatenate([batch.inputs["z"] for batch in batches])
    assert np.array_equal(noise, normals(list(range(13)), (4,)))


def test_noise_has_the_temperature_of_the_interface():
    cold = Interface("a", (4,), (8, 8), temperature=0.5)
    assert np.array_equal(sources(cold, [3]), normals([3], (4,)) * np.float32(0.5))


@pytest.mark.parametrize("resolution", [(16, 16), (8, 4), (3, 5)])
def test_pictures_lie_on_the_levels_of_a_file_and_differ(resolution):
    interface = Interface("a", (), resolution, kind="gan.translate/1")
    pictures = sources(interface, [0, 1, 2])
    assert pictures.shape == (3, 3, *resolution)
    assert pictures.dtype == np.float32
    assert np.abs(pictures).max() <= 1
    assert np.array_equal(to_float(to_uint8(pictures)), pictures)
    assert min(np.abs(a - b).mean() for a, b in combinations(pictures, 2)) > 0.1
    assert np.array_equal(sources(interface, [1])[0], pictures[1])


def test_conditions_vary_and_the_last_of_a_large_batch_is_a_blend(interface):
    condition = sample(interface, 7).inputs["condition"]
    assert condition.dtype == np.float32
    assert len(np.unique(condition, axis=0)) > 3
    assert np.array_equal(condition[-1], (condition[0] + condition[1]) / 2)


def test_a_row_is_that_row_alone(interface):
    batch = sample(interface, 3)
    row = batch.row(1)
    assert all(np.array_equal(row.inputs[n][0], batch.inputs[n][1]) for n in batch.inputs)


def test_tensors_are_copies_in_the_type_asked_for(interface):
    batch = sample(interface, 2)
    z, condition = batch.tensors(torch.float64)
    z.zero_()
    assert z.dtype == condition.dtype == torch.float64
    assert batch.inputs["z"].any()


@pytest.mark.parametrize("group", KINDS, ids=lambda group: group.kind)
def test_every_kind_of_group_has_values_that_differ(group):
    conditions = Conditions((group,))
    for name, field in conditions.fields.items():
        asked = conditions.encode_many([{name: value} for value in values(field)])
        assert len(np.unique(asked, axis=0)) == len(asked) >= 2


def test_requests_reach_every_label_of_a_group():
    conditions = Conditions(KINDS)
    asked = [request(conditions, index) for index in range(12)]
    for name in ("hair", "eyes", "skin"):
        assert len({one[name] for one in asked}) == 2


def test_a_large_vocabulary_is_cut():
    group = OneHot("tag", tuple(f"t{index}" for index in range(1000)))
    assert len(values(group)) == MAX_VALUES


def test_without_conditions_there_is_z_alone():
    assert list(sample(Interface("a", (3,), (8, 8)), 2).inputs) == ["z"]
