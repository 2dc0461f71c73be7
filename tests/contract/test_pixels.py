"""Bundles of version 1 give the arrays that were recorded, alone, in a batch and in any order."""

import asyncio
from typing import Any

import numpy as np
import product
import pytest
import recorded
from numpy.typing import NDArray

PINK = {"hair": "pink", "eyes": "blue"}
NAMES = ["starter", "tiny.ganport", "tiny-float.ganport", "tiny-flow.ganport", "faces.ganport"]


@pytest.fixture(scope="module")
def arrays() -> dict[str, NDArray[Any]]:
    with np.load(recorded.FILE) as file:
        return dict(file)


@pytest.fixture(scope="module", params=NAMES)
def generator(request: pytest.FixtureRequest) -> Any:
    return recorded.opened(request.param)


@pytest.mark.parametrize("case", recorded.CASES)
def test_bundle_recorded_request_gives_recorded_array(
    case: str, arrays: dict[str, NDArray[Any]]
) -> None:
    bundle, ask = recorded.CASES[case]
    found, expected = ask(recorded.opened(bundle)), arrays[case]
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if expected.dtype != np.uint8:
        # float32 of up to ten: rounding of 1e-6, summed over a small graph.
        np.testing.assert_allclose(found, expected, atol=1e-4, rtol=0)
        return
    # Kernels of another processor add in another order. Export allows an error of 1e-5 on [-1, 1],
    # which is 1.3e-3 levels. So a value moves by one level at most, and only if it lies that near
    # to a border of a level, as 0.3 % of all values do.
    apart = np.abs(found.astype(int) - expected.astype(int))
    assert apart.max() <= 1
    assert (apart > 0).sum() <= 2 + 0.005 * apart.size


def test_recorded_arrays_differ_from_each_other(arrays: dict[str, NDArray[Any]]) -> None:
    assert arrays.keys() == recorded.CASES.keys()
    for name, array in arrays.items():
        assert len(array) == 1 or not np.array_equal(array[0], array[1]), name
        assert array.std() > 0.1, name


@pytest.mark.parametrize("batch_size", [1, 2, 5, None])
def test_generate_any_batch_size_gives_the_same_bytes(
    generator: Any, batch_size: int | None
) -> None:
    expected = [generator.generate(seeds=[seed])[0] for seed in range(40, 47)]
    found = generator.generate(seed=40, count=7, batch_size=batch_size)
    assert found.tobytes() == np.stack(expected).tobytes()


def test_generate_any_order_gives_the_same_bytes(generator: Any) -> None:
    seeds = [3, 0, 2**64 - 1, 7, 3, 12]
    alone = {seed: generator.generate(seed=seed)[0].tobytes() for seed in seeds}
    for order in (seeds, seeds[::-1], sorted(seeds)):
        images = generator.generate(seeds=order)
        assert [image.tobytes() for image in images] == [alone[seed] for seed in order]


def test_generate_noise_in_place_of_seeds_gives_the_same_bytes(generator: Any) -> None:
    z = member(generator, "noise")([5, 6])
    assert generator.generate(z=z).tobytes() == generator.generate(seeds=[5, 6]).tobytes()


def test_generate_without_seed_reports_the_seeds_it_took(generator: Any) -> None:
    images = generator.generate(count=2)
    seeds = member(generator, "last_seeds")
    assert len(seeds) == 2
    assert generator.generate(seeds=seeds).tobytes() == images.tobytes()


def test_draw_rows_of_several_requests_gives_the_same_bytes() -> None:
    generator = recorded.opened("tiny.ganport")
    job = member(generator, "job")
    one, many = job("pink hair", seed=7), job("green eyes", seed=100, count=5)
    found = member(generator, "draw")([(many, slice(3, 5)), (one, slice(0, 1))])
    expected = [
        *generator.generate("green eyes", seeds=[103, 104]),
        *generator.generate("pink hair", seed=7),
    ]
    assert found.tobytes() == np.stack(expected).tobytes()


def test_batcher_many_requests_gives_the_same_bytes() -> None:
    generator = recorded.opened("starter")
    requests = [({"hair": hair}, seed, seed % 3 + 1) for seed in range(12) for hair in ("pink",)]
    with product.public("ganport_runtime.Batcher")(generator) as batcher:
        submit = member(batcher, "submit")
        futures = [submit(c, seed=seed, count=count) for c, seed, count in requests]
        results = [future.result(timeout=product.PATIENCE) for future in futures]
    for (conditions, seed, count), result in zip(requests, results, strict=True):
        expected = generator.generate(conditions, seed=seed, count=count)
        assert result.images.tobytes() == expected.tobytes()
        assert list(result.seeds) == list(range(seed, seed + count))
        assert result.device == "cpu"


def test_batcher_coroutines_give_the_same_bytes() -> None:
    generator = recorded.opened("tiny.ganport")

    async def ask() -> list[Any]:
        with product.public("ganport_runtime.Batcher")(generator) as batcher:
            agenerate, arun = member(batcher, "agenerate"), member(batcher, "arun")
            job = member(generator, "job")(PINK, seed=30)
            tasks = [agenerate(PINK, seed=seed) for seed in range(30)]
            return await asyncio.gather(*tasks, arun(job))

    expected = generator.generate(PINK, seed=0, count=31)
    found = np.concatenate([result.images for result in asyncio.run(ask())])
    assert found.tobytes() == expected.tobytes()


def test_batcher_more_than_the_queue_is_refused() -> None:
    generator = recorded.opened("tiny.ganport")
    with product.public("ganport_runtime.Batcher")(
        generator, **product.arguments(max_queue=4)
    ) as batcher:
        with pytest.raises(product.public("ganport_runtime.RequestError")):
            member(batcher, "submit")(count=5)
        assert member(batcher, "submit")(count=4).result(product.PATIENCE).images.shape[0] == 4
    with pytest.raises(product.public("ganport_runtime.ClosedError")):
        member(batcher, "submit")()


def test_flow_encoded_image_is_generated_again() -> None:
    flow = recorded.opened("tiny-flow.ganport")
    images = recorded.images(2, 8)
    again = flow.generate("young", z=flow.encode(images, "young"))
    assert np.abs(again.astype(int) - images).max() <= 1
    directions = member(flow, "directions")
    assert set(directions) == {"face/smiling", "face/young", "face/glasses"}
    assert all(direction.shape == flow.z_shape for direction in directions.values())


def test_interpolation_between_seeds_keeps_both_ends() -> None:
    first, last = member(recorded.opened("tiny.ganport"), "noise")([1, 2])
    way = product.public("ganport_runtime.interpolation.spherical")(first, last, [0, 0.5, 1])
    assert np.array_equal(way[0], first) and np.array_equal(way[2], last)
    angle = np.arccos(first @ last / np.linalg.norm(first) / np.linalg.norm(last))
    middle = (first / np.linalg.norm(first) + last / np.linalg.norm(last)) / (2 * np.cos(angle / 2))
    length = (np.linalg.norm(first) + np.linalg.norm(last)) / 2
    np.testing.assert_allclose(way[1], middle * length, rtol=1e-4)


def member(value: Any, name: str) -> Any:
    return product.member(value, name)
