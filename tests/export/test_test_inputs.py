from itertools import combinations

import numpy as np
import pytest
import torch

from ganport_export import Interface
from ganport_export.test_inputs import (
    BATCH_SIZES,
    MAX_VALUES,
    first_inputs,
    make_batch,
    make_batches,
    nth_request,
    values_to_try,
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
from ganport_runtime.images.pixels import to_float, to_uint8
from ganport_runtime.noise import normals

KINDS = (
    OneHot("hair", ("red", "blue")),
    JointOneHot("pair", (OneHot("eyes", ("black", "brown")), OneHot("skin", ("pale", "dark")))),
    MultiHot("items", ("hat", "scarf", "ring"), max_active=2),
    SignedMultiHot("traits", ("young", "smiling")),
    Rgb("light", default="#ffffff"),
    Scalar("age", default=0.5, min=0.0, max=1.0),
)


def test_batches_contain_the_noise_of_consecutive_seeds(interface):
    batches = make_batches(interface)
    assert tuple(map(len, batches)) == BATCH_SIZES == (1, 2, 3, 7)
    noise = np.concatenate([batch.inputs["z"] for batch in batches])
    assert np.array_equal(noise, normals(list(range(13)), (4,)))


def test_noise_has_the_temperature_of_the_interface():
    cold = Interface("a", (4,), (8, 8), temperature=0.5)
    assert np.array_equal(first_inputs(cold, [3]), normals([3], (4,)) * np.float32(0.5))


@pytest.mark.parametrize("resolution", [(16, 16), (8, 4), (3, 5)])
def test_input_images_differ_and_have_256_levels(resolution):
    interface = Interface("a", (), resolution, kind="gan.translate/1")
    images = first_inputs(interface, [0, 1, 2])
    assert images.shape == (3, 3, *resolution)
    assert images.dtype == np.float32
    assert np.abs(images).max() <= 1
    assert np.array_equal(to_float(to_uint8(images)), images)
    assert min(np.abs(a - b).mean() for a, b in combinations(images, 2)) > 0.1
    assert np.array_equal(first_inputs(interface, [1])[0], images[1])


def test_conditions_vary_and_the_last_of_a_large_batch_is_a_blend(interface):
    condition = make_batch(interface, 7).inputs["condition"]
    assert condition.dtype == np.float32
    assert len(np.unique(condition, axis=0)) > 3
    assert np.array_equal(condition[-1], (condition[0] + condition[1]) / 2)


def test_rows_return_part_of_a_batch(interface):
    batch = make_batch(interface, 3)
    part = batch.rows(1, 2)
    assert len(part) == 1
    assert all(np.array_equal(part.inputs[n][0], batch.inputs[n][1]) for n in batch.inputs)


def test_tensors_are_copies_in_the_requested_type(interface):
    batch = make_batch(interface, 2)
    z, condition = batch.tensors(torch.float64)
    z.zero_()
    assert z.dtype == condition.dtype == torch.float64
    assert batch.inputs["z"].any()


@pytest.mark.parametrize("group", KINDS, ids=lambda group: group.kind)
def test_values_of_every_kind_of_group_differ(group):
    conditions = Conditions((group,))
    for name, field in conditions.fields.items():
        vectors = conditions.encode_many([{name: value} for value in values_to_try(field)])
        assert len(np.unique(vectors, axis=0)) == len(vectors) >= 2


def test_requests_use_every_label_of_a_group():
    conditions = Conditions(KINDS)
    requests = [nth_request(conditions, index) for index in range(12)]
    for name in ("hair", "eyes", "skin"):
        assert len({request[name] for request in requests}) == 2


def test_values_of_a_large_group_are_limited():
    group = OneHot("tag", tuple(f"t{index}" for index in range(1000)))
    assert len(values_to_try(group)) == MAX_VALUES


def test_batch_without_conditions_has_z_alone():
    assert list(make_batch(Interface("a", (3,), (8, 8)), 2).inputs) == ["z"]
