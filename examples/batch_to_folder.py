"""Generate thousands of images into a folder, with an index of their seeds and conditions.

    python examples/batch_to_folder.py starter faces --count 1000
    python examples/batch_to_folder.py starter faces --count 1000 --requests requests.txt

`requests.txt` has one request per line, such as "pink hair blue eyes", and the images use them in
turn. Without it, every image has random labels. The script first writes the plan, `index.json`,
which depends only on the bundle, the requests and `--seed`. If the script is killed, run the same
command again: it generates only the missing images. While one batch is generated, threads encode
and write the previous one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from ganport_runtime import Generator
from ganport_runtime.errors import GanportError, RequestError
from ganport_runtime.files import atomic_write
from ganport_runtime.images.encode import encode_png
from ganport_runtime.noise import check_integer, seed_range

INDEX_NAME = "index.json"
MAX_COUNT = 1_000_000


def make_plan(
    generator: Generator, texts: Sequence[str], count: int, first_seed: int
) -> dict[str, Any]:
    """Return the index: the file, seed and complete condition of each image."""
    check_integer("count", count, 1, MAX_COUNT)
    conditions = generator.conditions
    requests = [conditions.parse(text) for text in texts if text.strip()]
    groups = {name: g for name, g in conditions.fields.items() if g.kind == "one_hot"}
    images = []
    for number, seed in enumerate(seed_range(first_seed, count)):
        rng = Random(seed)
        random_request = {name: rng.choice(group.labels) for name, group in groups.items()}
        request = requests[number % len(requests)] if requests else random_request
        condition = conditions.complete(request)
        conditions.encode(condition)
        # Seeds are text, because JSON numbers are exact only up to 2^53.
        images.append({"file": f"{number:06}.png", "seed": str(seed), "condition": condition})
    bundle = generator.bundle
    return {"bundle": bundle.manifest.name, "digest": bundle.digest, "images": images}


def start_or_resume(folder: Path, plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Write the plan, or find the same plan; return the missing images.

    Raises `RequestError` for a folder with another plan.
    """
    index, text = folder / INDEX_NAME, json.dumps(plan, indent=1).encode()
    folder.mkdir(parents=True, exist_ok=True)
    if index.exists() and index.read_bytes() != text:
        raise RequestError(
            str(index),
            "the plan of the same bundle, requests, seed and count",
            "another plan",
            "Repeat the first command, or use another folder.",
        )
    atomic_write(index, text)
    existing = {path.name for path in folder.iterdir()}
    return [image for image in plan["images"] if image["file"] not in existing]


def generate_images(generator: Generator, folder: Path, missing: list[dict[str, Any]]) -> None:
    """Generate and write the missing images, one batch at a time."""
    futures: list[Future[None]] = []
    with ThreadPoolExecutor() as writers:
        for batch in split_into_batches(missing, generator.preferred_batch_size):
            images = generator.generate(
                [image["condition"] for image in batch],
                seeds=[int(image["seed"]) for image in batch],
            )
            wait_for(futures)  # so that at most two batches are in memory
            futures = [
                writers.submit(write_image, folder / entry["file"], image)
                for entry, image in zip(batch, images, strict=True)
            ]
        wait_for(futures)


def write_image(path: Path, image: Any) -> None:
    """Write one image as PNG."""
    atomic_write(path, encode_png(image))


def wait_for(futures: list[Future[None]]) -> None:
    """Wait for the writers, and raise their first error."""
    for future in futures:
        future.result()


def split_into_batches(images: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the images in batches of at most `size`."""
    for start in range(0, len(images), size):
        yield images[start : start + size]


def main(arguments: Sequence[str]) -> None:
    """Parse the command line and generate the images."""
    parser = argparse.ArgumentParser(description="Generate many images into a folder.")
    parser.add_argument("bundle")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--requests", type=Path, help="a text file with one request per line")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first image")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    texts = options.requests.read_text("utf-8").splitlines() if options.requests else []
    generator = Generator.load(options.bundle, options.device)
    plan = make_plan(generator, texts, options.count, options.seed)
    missing = start_or_resume(options.folder, plan)
    start = time.perf_counter()
    generate_images(generator, options.folder, missing)
    rate = len(missing) / (time.perf_counter() - start)
    print(f"{len(missing)} of {options.count} images written to {options.folder}, {rate:.0f}/s")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (GanportError, OSError) as error:
        sys.exit(f"error: {error}")
