"""`docs/interface.md` says what the code does."""

import json
import re
from pathlib import Path

import numpy as np

from ganport_runtime.bundle.manifest import METADATA_KEY, Manifest
from ganport_runtime.conditions import KINDS
from ganport_runtime.noise import ALGORITHM, normals, philox4x32

PAGE = (Path(__file__).parents[2] / "docs/interface.md").read_text()
EXAMPLE = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.S)[1])  # type: ignore[index]
HEX4 = r"((?:[0-9a-f]{8} ?){4})"


def test_example_manifest_parses() -> None:
    assert Manifest.from_json(EXAMPLE, "example").to_json() == EXAMPLE


def test_example_request_encodes_as_on_the_page() -> None:
    found = re.search(r"Its request `(\{.*?\})` is the vector\n`(.*?)`", PAGE)
    assert found
    vector = Manifest.from_json(EXAMPLE, "example").conditions.encode(json.loads(found[1]))
    assert vector.tolist() == [float(number) for number in found[2].split()]


def test_normals_equal_the_table_of_the_page() -> None:
    rows = re.findall(rf"\| (\d+) \| {HEX4} \| (.*?) \({HEX4}\) \|", PAGE)
    assert len(rows) == 5
    for seed, _, decimals, bits in rows:
        row = normals([int(seed)], (4,))[0]
        stated = np.array([int(word, 16) for word in bits.split()], np.uint32).view(np.float32)
        np.testing.assert_array_max_ulp(row, stated, 1)
        assert np.array_equal(stated, np.array(decimals.split(), np.float32))


def test_words_equal_the_table_of_the_page() -> None:
    rows = re.findall(rf"\| {HEX4} \| ([0-9a-f]{{8}} [0-9a-f]{{8}}) \| {HEX4} \|", PAGE)
    assert len(rows) == 3
    for counter, key, words in rows:
        given = [
            [np.array([int(w, 16)], np.uint64) for w in text.split()] for text in (counter, key)
        ]
        result = [int(word[0]) for word in philox4x32(*given)]
        assert result == [int(word, 16) for word in words.split()]


def test_every_kind_and_constant_is_on_the_page() -> None:
    for word in (*KINDS, METADATA_KEY, ALGORITHM):
        assert f"`{word}`" in PAGE
