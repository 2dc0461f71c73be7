"""Draw thousands of pictures into a folder, with an index that says what each one shows.

    python examples/batch_to_folder.py starter faces --count 1000
    python examples/batch_to_folder.py starter faces --count 1000 --wanted wanted.txt

`wanted.txt` holds a request a line, as in "pink hair blue eyes", taken in turn; without it every
picture shows labels drawn by chance. The plan is written first, as `index.json`, and depends on
nothing but the bundle, the requests and `--seed`: run the same line again after a kill, and only
what is missing is drawn. While one batch is drawn, threads encode and write the one before.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from random import Random
from typing import Any

from ganport_runtime import Generator
from ganport_runtime.errors import GanportError, RequestError
from ganport_runtime.files import atomic_write
from ganport_runtime.images.encode import encode_png
from ganport_runtime.noise import check_integer, seed_range

INDEX = "index.json"
MOST = 1_000_000


def plan(
    generator: Generator, wanted: Sequence[str], count: int, first_seed: int
) -> dict[str, Any]:
    """What goes into the index: each picture with its file, seed and whole condition."""
    check_integer("count", count, 1, MOST)
    conditions = generator.conditions
    asked = [conditions.parse(line) for line in wanted if line.strip()]
    groups = {name: g for name, g in conditions.fields.items() if g.kind == "one_hot"}
    pictures = []
    for number, seed in enumerate(seed_range(first_seed, count)):
        chance = Random(seed)
        by_chance = {name: chance.choice(group.labels) for name, group in groups.items()}
        condition = conditions.complete(asked[number % len(asked)] if asked else by_chance)
        conditions.encode(condition)
        # Seeds are text, since JSON numbers are safe to 2^53 only.
        pictures.append({"file": f"{number:06}.png", "seed": str(seed), "condition": condition})
    bundle = generator.bundle
    return {"bundle": bundle.manifest.name, "digest": bundle.digest, "pictures": pictures}


def begin(folder: Path, planned: dict[str, Any]) -> list[dict[str, Any]]:
    """Write the plan, or find the same one there; returns the pictures that are missing.

    Raises `RequestError` for a folder that holds another plan.
    """
    index, text = folder / INDEX, json.dumps(planned, indent=1).encode()
    folder.mkdir(parents=True, exist_ok=True)
    if index.exists() and index.read_bytes() != text:
        raise RequestError(
            str(index),
            expected="the plan of the same bundle, requests, seed and count",
            found="another one",
            fix="Repeat the line that began it, or name another folder.",
        )
    atomic_write(index, text)
    there = {path.name for path in folder.iterdir()}
    return [picture for picture in planned["pictures"] if picture["file"] not in there]


def draw(generator: Generator, folder: Path, missing: list[dict[str, Any]]) -> None:
    """Draw the pictures that are missing, a batch at a time."""
    written: list[Future[None]] = []
    with ThreadPoolExecutor() as writers:
        for batch in batches(missing, generator.preferred_batch_size):
            images = generator.generate(
                [picture["condition"] for picture in batch],
                seeds=[int(picture["seed"]) for picture in batch],
            )
            finish(written)  # so that never more than two batches are in memory
            written = [
                writers.submit(write, folder / picture["file"], image)
                for picture, image in zip(batch, images, strict=True)
            ]
        finish(written)


def write(path: Path, image: Any) -> None:
    atomic_write(path, encode_png(image))


def finish(written: list[Future[None]]) -> None:
    wait(written)
    for future in written:
        future.result()


def batches(pictures: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="Draw many pictures into a folder.")
    parser.add_argument("bundle")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--wanted", type=Path, help="a text file, a request a line")
    parser.add_argument("--seed", type=int, default=0, help="of the first picture")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    wanted = options.wanted.read_text("utf-8").splitlines() if options.wanted else []
    generator = Generator.load(options.bundle, options.device)
    planned = plan(generator, wanted, options.count, options.seed)
    missing = begin(options.folder, planned)
    start = time.perf_counter()
    draw(generator, options.folder, missing)
    rate = len(missing) / (time.perf_counter() - start)
    print(f"{len(missing)} of {options.count} pictures drawn into {options.folder}, {rate:.0f}/s")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (GanportError, OSError) as error:
        sys.exit(f"error: {error}")
