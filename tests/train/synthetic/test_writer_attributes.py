"""Datasets of faces with attributes: two tables for the same images."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image

from ganport_runtime.conditions import SignedMultiHot
from ganport_train.cli.dataset import dataset
from ganport_train.data.formats.celeba import CelebA
from ganport_train.data.formats.registry import choose_reader, open_source
from ganport_train.data.issues import IssueLog
from ganport_train.synthetic.faces import draw_face
from ganport_train.synthetic.traits import Trait, sample_traits
from ganport_train.synthetic.writer import balanced_labels, image_seed, write_faces


def test_write_faces_attributes_are_read_as_celeba(tmp_path: Path) -> None:
    out = tmp_path / "faces.zip"
    write_faces(out, 12, 32, seed=3, attributes=True)
    with zipfile.ZipFile(out) as archive:
        images = [f"images/{i}.png" for i in range(12)]
        assert archive.namelist() == ["tags.csv", "list_attr_celeba.txt", *images]
        face = Image.open(io.BytesIO(archive.read("images/7.png")))
    seed = image_seed(3, 7)
    drawn_so = draw_face(seed, *balanced_labels(3, 7), 32, sample_traits(seed))
    assert (np.asarray(face) == np.asarray(drawn_so)).all()

    with open_source(out) as source:
        assert choose_reader(source).format == "tagged_csv"
        contents = CelebA().read(source, IssueLog(str(out), strict=True), ())
    examples = contents.examples
    assert contents.vocabulary().groups == (SignedMultiHot("attributes", tuple(Trait)),)
    assert [example.id for example in examples] == [f"{i}.png" for i in range(12)]
    assert [set(example.labels["attributes"]) for example in examples] == [
        sample_traits(image_seed(3, i)) for i in range(12)
    ]


def test_write_faces_attributes_keep_tags_and_prefix(
    tmp_path: Path,
) -> None:
    write_faces(tmp_path / "faces", 20, 16, seed=3, attributes=True, workers=2)
    write_faces(tmp_path / "plain", 20, 16, seed=3)
    tags = [(tmp_path / folder / "tags.csv").read_bytes() for folder in ("faces", "plain")]
    assert tags[0] == tags[1]
    assert not (tmp_path / "plain" / "list_attr_celeba.txt").exists()
    write_faces(tmp_path / "short", 3, 16, seed=3, attributes=True)
    for i in range(3):
        name = f"images/{i}.png"
        assert (tmp_path / "short" / name).read_bytes() == (tmp_path / "faces" / name).read_bytes()


def test_draw_attributes_passes_check(tmp_path: Path) -> None:
    out = str(tmp_path / "faces.zip")
    drawing = ["draw", "faces", "--count", "30", "--size", "32", "--attributes", "--out", out]
    assert CliRunner().invoke(dataset, [*drawing, "--workers", "1"]).exit_code == 0
    checking = ["check", out, "--resolution", "32", "--json"]
    for kind, groups in ((["--format", "celeba"], ["attributes"]), ([], ["eyes", "hair"])):
        result = CliRunner().invoke(dataset, [*checking, *kind])
        assert result.exit_code == 0
        report = json.loads(result.output)
        assert sorted(report["conditions"]["labels"]) == groups
        assert report["issues"] == []
