"""Decodes the pictures of a data set in order, on several cores, with a progress bar."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NoReturn

from tqdm import tqdm

from ganport_runtime.images.decode import MAX_BYTES
from ganport_train.data.formats.reader import Example
from ganport_train.data.images import (
    Framing,
    Picture,
    decode,
    decoding_warnings,
)
from ganport_train.data.issues import EntryError
from ganport_train.data.progress import progress_bar
from ganport_train.data.source import Source

_CHUNK = 32
_AHEAD = 8
_MOST_THREADS = 16

Decoded = list[tuple[Example, Picture | EntryError]]


def decode_all(
    source: Source,
    examples: Sequence[Example],
    resolution: int,
    framing: Framing,
    *,
    progress: bool,
) -> Generator[tuple[Example, Picture | EntryError]]:
    """Each example with its picture at `resolution`, or with the fault that kept it from one.

    To be closed by whoever does not take it to its end: it holds threads and warning filters.
    """
    chunks = (examples[i : i + _CHUNK] for i in range(0, len(examples), _CHUNK))
    waiting: deque[Future[Decoded]] = deque()
    # Pillow decodes without the interpreter's lock, so threads do; few chunks wait at a time,
    # which bounds the memory.
    pool = ThreadPoolExecutor(_threads())
    with (
        decoding_warnings(),
        progress_bar("decoding", len(examples), "pictures", shown=progress) as done,
    ):
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_decode_chunk, source, chunk, resolution, framing))
                if len(waiting) > _AHEAD * _threads():
                    yield from _counted(waiting.popleft().result(), done)
            while waiting:
                yield from _counted(waiting.popleft().result(), done)
        finally:
            pool.shutdown(cancel_futures=True)


def _decode_chunk(
    source: Source, chunk: Sequence[Example], resolution: int, framing: Framing
) -> Decoded:
    return [(example, _decode_one(source, example, resolution, framing)) for example in chunk]


def _decode_one(
    source: Source, example: Example, resolution: int, framing: Framing
) -> Picture | EntryError:
    try:
        return decode(source.read(example.picture, MAX_BYTES), resolution, framing)
    except EntryError as fault:
        return fault


def _counted(decoded: Decoded, done: tqdm[NoReturn]) -> Decoded:
    done.update(len(decoded))
    return decoded


def _threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    return min(os.cpu_count() or 1, _MOST_THREADS)
