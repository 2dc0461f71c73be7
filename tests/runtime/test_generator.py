"""Images of a generator: requests, seeds, noise and temperature."""

import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ganport_runtime
from ganport_runtime import Generator
from ganport_runtime.errors import ConditionError, RequestError
from ganport_runtime.generation.engine import GraphRunner
from ganport_runtime.noise import normals

PINK = {"hair": "pink", "eyes": "green"}
FIRST_ROW = [
    249, 8, 248, 158, 63, 160, 92, 66, 254, 8, 167, 234,
    247, 124, 135, 51, 1, 254, 240, 66, 140, 181, 108, 14,
]  # fmt: skip


class Unprintable:
    """A value without a text form."""

    def __repr__(self) -> str:
        raise KeyError("no text")


@pytest.fixture(scope="module")
def tiny_generator(data: Path) -> Generator:
    return Generator.load(data / "tiny.ganport")


def test_generate_returns_uint8_images(tiny_generator: Generator) -> None:
    images = tiny_generator.generate(PINK, seed=7)
    assert images.shape == (1, 8, 8, 3)
    assert images.dtype == np.uint8
    assert tiny_generator.last_seeds == [7]
    assert tiny_generator.device == "cpu"
    assert tiny_generator.conditions.size == 5


def test_version_1_bundle_gives_the_recorded_images(tiny_generator: Generator) -> None:
    # Written down when the bundle was: these bytes must stay, on a CPU within one level.
    first = tiny_generator.generate("pink hair green eyes", seed=7)[0, 0].reshape(-1)
    assert abs(first.astype(int) - np.array(FIRST_ROW)).max() <= 1


@pytest.mark.parametrize("name", ["tiny.onnx", "tiny-float.ganport", "zip"])
def test_every_container_gives_the_same_images(
    tiny_generator: Generator, data: Path, tiny: Any, name: str
) -> None:
    other = Generator.load(tiny.zipped() if name == "zip" else data / name)
    expected = tiny_generator.generate(PINK, seed=3, count=9)
    assert np.array_equal(other.generate(PINK, seed=3, count=9), expected)


def test_images_depend_on_seed_and_groups(tiny_generator: Generator) -> None:
    one = tiny_generator.generate(PINK, seed=1)
    for request, seed in ((PINK, 2), (PINK | {"hair": "black"}, 1), (PINK | {"eyes": "blue"}, 1)):
        assert not np.array_equal(tiny_generator.generate(request, seed=seed), one)


REQUESTS = st.sampled_from([PINK, "black hair", {}, {"hair": {"pink": 0.5, "dark red": 0.5}}])
IMAGES = st.lists(st.tuples(REQUESTS, st.integers(0, 2**64 - 1)), min_size=1, max_size=70)


@given(IMAGES, st.integers(1, 64), st.data())
def test_image_does_not_depend_on_its_batch(
    tiny_generator: Generator, plan: list[Any], batch_size: int, data: st.DataObject
) -> None:
    requests, seeds = [list(column) for column in zip(*plan, strict=True)]
    images = tiny_generator.generate(requests, seeds=seeds, batch_size=batch_size)
    assert tiny_generator.last_seeds == seeds
    index = data.draw(st.integers(0, len(plan) - 1))
    alone = tiny_generator.generate(requests[index], seed=seeds[index])
    assert images[index].tobytes() == alone[0].tobytes()


def test_generate_splits_large_requests(tiny_generator: Generator) -> None:
    many = tiny_generator.generate(PINK, seed=0, count=1000)
    assert many.shape == (1000, 8, 8, 3)
    assert np.array_equal(many[999], tiny_generator.generate(PINK, seed=999)[0])


def test_consecutive_seeds_wrap_around(tiny_generator: Generator) -> None:
    images = tiny_generator.generate(seed=2**64 - 1, count=2)
    assert tiny_generator.last_seeds == [2**64 - 1, 0]
    assert np.array_equal(images[1], tiny_generator.generate(seed=0)[0])


def test_last_seeds_reproduce_unseeded_images(tiny_generator: Generator) -> None:
    images = tiny_generator.generate(PINK, count=3)
    seeds = tiny_generator.last_seeds
    assert np.array_equal(tiny_generator.generate(PINK, seeds=seeds), images)
    tiny_generator.generate(PINK)
    assert tiny_generator.last_seeds != seeds[:1]


def test_numpy_seeds_are_accepted(tiny_generator: Generator) -> None:
    seeds = np.array([2**64 - 1, 5], np.uint64)
    images = tiny_generator.generate(PINK, seeds=seeds)  # type: ignore[arg-type]
    assert np.array_equal(images, tiny_generator.generate(PINK, seeds=[2**64 - 1, 5]))


def test_any_sequence_of_seeds_sets_the_count(tiny_generator: Generator) -> None:
    images = tiny_generator.generate(PINK, seeds=range(3))
    assert np.array_equal(images, tiny_generator.generate(PINK, seed=0, count=3))


def test_lists_set_the_count(tiny_generator: Generator) -> None:
    assert len(tiny_generator.generate([PINK, "black hair"])) == 2
    assert len(tiny_generator.generate((PINK, {}, {}), seed=4)) == 3
    assert len(tiny_generator.generate(seeds=[1, 2])) == 2
    assert len(tiny_generator.generate([PINK, PINK], seeds=[1, 1], count=2)) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"conditions": {"hair": "pnik"}}, ConditionError, "Did you mean 'pink'"),
        ({"conditions": [PINK, {"hair": "pnik"}]}, ConditionError, "Did you mean 'pink'"),
        ({"conditions": [PINK, 3]}, ConditionError, "found 3"),
        ({"conditions": 5}, ConditionError, "a mapping of group to value"),
        ({"conditions": np.zeros((1, 5))}, ConditionError, "a mapping of group to value"),
        ({"conditions": []}, RequestError, "count: expected an integer from 1"),
        ({"conditions": [PINK] * 2, "count": 3}, RequestError, "conditions: expected a list of 3"),
        ({"seeds": [1, 2], "count": 3}, RequestError, "seeds: expected a list of 3"),
        ({"seeds": [1, 2], "conditions": [PINK]}, RequestError, "seeds: expected a list of 1"),
        ({"seeds": [1], "seed": 1}, RequestError, "seed or seeds; found both"),
        ({"seeds": 7}, RequestError, "seeds: expected a list of integers"),
        ({"seeds": "12"}, RequestError, "seeds: expected a list of integers"),
        ({"seeds": np.array(3)}, RequestError, "seeds: expected a list of integers"),
        ({"seeds": [1.5]}, RequestError, "seeds: expected an integer"),
        ({"seeds": np.array(["a"])}, RequestError, "seeds: expected an integer"),
        ({"seeds": []}, RequestError, "seeds: expected"),
        ({"seeds": np.array([], np.uint64)}, RequestError, "seeds: expected"),
        ({"conditions": {Unprintable(): "pink"}}, ConditionError, "one of the groups"),
        ({"conditions": {"hair": {Unprintable(): 1.0}}}, ConditionError, "condition 'hair'"),
        ({"conditions": {"hair": Unprintable()}}, ConditionError, "condition 'hair'"),
        ({"conditions": Unprintable()}, ConditionError, "a mapping of group to value"),
        ({"seed": Unprintable()}, RequestError, "seed: expected an integer"),
        ({"seed": -1}, RequestError, "seed: expected an integer"),
        ({"seed": 10**5000}, RequestError, "seed: expected an integer"),
        ({"conditions": {"hair": 10**5000}}, ConditionError, "found a huge int"),
        ({"seed": 2**64}, RequestError, "seed: expected an integer"),
        ({"seed": True}, RequestError, "seed: expected an integer"),
        ({"seed": "7"}, RequestError, "seed: expected an integer"),
        ({"count": 0}, RequestError, "count: expected an integer from 1 to 1048576; found int 0"),
        ({"count": -3}, RequestError, "count: expected"),
        ({"count": 10**12}, RequestError, "count: expected"),
        ({"count": 2.0}, RequestError, "count: expected"),
        ({"count": True}, RequestError, "count: expected"),
        ({"batch_size": 0}, RequestError, "batch_size: expected an integer from 1 to 64"),
        ({"batch_size": 65}, RequestError, "batch_size: expected an integer from 1 to 64"),
        ({"batch_size": None, "count": "3"}, RequestError, "count: expected"),
        ({"z": [[0.0] * 4]}, RequestError, "z: expected an array of noise"),
        ({"z": np.zeros((1, 4))}, RequestError, "float32 (N, 4); found float64 (1, 4)"),
        ({"z": np.zeros((1, 5), np.float32)}, RequestError, "found float32 (1, 5)"),
        ({"z": np.float32(1)}, RequestError, "z: expected an array of noise"),
        ({"z": np.full((1, 4), np.nan, np.float32)}, RequestError, "z: expected finite numbers"),
        ({"z": np.zeros((2, 4), np.float32), "seed": 1}, RequestError, "z or seeds; found both"),
        ({"z": np.zeros((2, 4), np.float32), "count": 3}, RequestError, "z: expected a list of 3"),
        ({"z": np.zeros((0, 4), np.float32)}, RequestError, "count: expected an integer from 1"),
        ({"z": np.zeros((2, 4), np.float32), "temperature": 1}, RequestError, "found both"),
        ({"temperature": 0}, RequestError, "temperature: expected a number above 0, at most 10"),
        ({"temperature": 10.1}, RequestError, "found 10.1"),
        ({"temperature": -1}, RequestError, "found -1"),
        ({"temperature": np.nan}, RequestError, "found nan"),
        ({"temperature": 10**5000}, RequestError, "found a huge int"),
        ({"temperature": "1"}, RequestError, "found '1'"),
        ({"temperature": True}, RequestError, "found True"),
    ],
)
def test_invalid_arguments_raise_and_keep_last_seeds(
    tiny_generator: Generator, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    tiny_generator.generate(PINK, seed=11)
    with pytest.raises(error) as caught:
        tiny_generator.generate(**arguments)
    assert message in str(caught.value)
    assert tiny_generator.last_seeds == [11]


def test_z_replaces_seeds(tiny_generator: Generator) -> None:
    seeds = [3, 2**64 - 1, 9]
    noise = tiny_generator.noise(seeds)
    assert noise.shape == (3, *tiny_generator.z_shape)
    images = tiny_generator.generate(PINK, z=noise, batch_size=2)
    assert tiny_generator.last_seeds == []
    assert np.array_equal(images, tiny_generator.generate(PINK, seeds=seeds))


def test_unconditional_generator_refuses_conditions(data: Path) -> None:
    generator = Generator.load(data / "tiny-unconditional.onnx")
    assert generator.conditions.size == 0
    assert generator.generate(seed=1, count=3).shape == (3, 8, 8, 3)
    assert np.array_equal(generator.generate({}, seed=1), generator.generate(seed=1))
    with pytest.raises(ConditionError, match="none: this generator is unconditional"):
        generator.generate(PINK, seed=1)


def test_bundle_temperature_scales_noise_but_not_z(tiny: Any, data: Path) -> None:
    tiny.edit(lambda value: value["noise"].update(temperature=0))
    generator = Generator.load(tiny.path)
    cold = generator.generate(PINK, seed=1, count=2)
    assert np.array_equal(cold[0], cold[1])
    assert not generator.noise([1]).any()
    # What is given goes in as it is.
    warm = generator.generate(PINK, z=np.ones((1, 4), np.float32))
    assert not np.array_equal(warm[0], cold[0])


def test_requested_temperature_replaces_the_bundle_temperature(tiny: Any) -> None:
    tiny.edit(lambda value: value["noise"].update(temperature=3))
    generator = Generator.load(tiny.path)
    plain = normals([5], (4,))
    assert np.array_equal(generator.noise([5]), plain * 3)
    assert np.array_equal(generator.noise([5], temperature=0.5), plain / 2)
    half = generator.generate(PINK, seed=5, temperature=0.5)
    assert generator.last_seeds == [5]
    assert np.array_equal(half, generator.generate(PINK, z=plain / 2))
    assert not np.array_equal(half, generator.generate(PINK, seed=5))


def test_generator_is_thread_safe(tiny_generator: Generator) -> None:
    expected = [tiny_generator.generate(PINK, seed=seed, count=20) for seed in range(4)]
    images: dict[int, Any] = {}

    def generate(seed: int) -> None:
        images[seed] = tiny_generator.generate(PINK, seed=seed, count=20)

    threads = [threading.Thread(target=generate, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(images[seed], expected[seed]) for seed in range(4))


def test_graph_receives_the_noise_of_the_contract(data: Path) -> None:
    generator = Generator.load(data / "tiny-float.ganport")
    runner, shape = GraphRunner(generator.bundle.read("generator.onnx"), "cpu"), (4,)
    feeds = {"z": normals([9], shape), "condition": generator.conditions.encode_many([PINK])}
    expected = np.floor(np.clip(runner.run(feeds) * np.float32(127.5) + 128, 0, 255))
    images = generator.generate(PINK, seed=9)
    assert np.array_equal(images, expected.transpose(0, 2, 3, 1).astype(np.uint8))


def test_first_generate_passes_through_at_most_seven_files() -> None:
    generator = Generator.load("starter", "cpu")
    root = f"{Path(ganport_runtime.__file__).parent}{os.sep}"
    files: set[str] = set()

    def record(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(root):
            files.add(frame.f_code.co_filename.removeprefix(root))

    sys.setprofile(record)
    try:
        generator.generate(PINK, seed=7)
    finally:
        sys.setprofile(None)
    assert "generator.py" in files
    assert len(files) <= 7, files


def test_long_ranges_of_seeds_are_request_errors(data: Path) -> None:
    tiny = Generator.load(data / "tiny.onnx", "cpu")
    for seeds in (range(10**11), range(10**30)):
        with pytest.raises(RequestError):
            tiny.generate(seeds=seeds)
        with pytest.raises(RequestError):
            tiny.noise(seeds)
