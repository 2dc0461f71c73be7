"""The split of a loaded dataset into training and validation images."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageOps

from ganport_train.data import Dataset, load_dataset

MakeFiles = Callable[..., dict[str, bytes]]
Make = Callable[..., Image.Image]
Write = Callable[..., Path]


def test_split_keeps_near_duplicates_together(
    tagged_files: MakeFiles,
    write_folder: Write,
    make_image: Make,
    encode: Callable[..., bytes],
) -> None:
    files = tagged_files(40, 64)
    lines = files["tags.csv"].decode()
    for i in range(40):
        image = make_image(i, 64)
        files[f"images/m{i}.png"] = encode(ImageOps.mirror(image))
        files[f"images/j{i}.jpg"] = encode(image, "JPEG", quality=80)
        lines += f"m{i},red hair black eyes\nj{i},red hair black eyes\n"
    data = load_dataset(write_folder(files | {"tags.csv": lines.encode()}), resolution=32)
    train, held = data.split(0.3)
    assert len(held) > 0
    for side in (train, held):
        names = {data.ids[i].lstrip("mj") for i in side}
        assert len(side) == 3 * len(names)


def sides(data: Dataset) -> dict[str, bool]:
    train, held = data.split(0.3)
    return {data.ids[i]: False for i in train} | {data.ids[i]: True for i in held}


def test_split_does_not_depend_on_order_or_other_images(
    tagged_files: MakeFiles, write_folder: Write
) -> None:
    files = tagged_files(40)
    first = sides(load_dataset(write_folder(files), resolution=16))
    assert 0 < sum(first.values()) < 40
    backwards = b"".join(files["tags.csv"].splitlines(keepends=True)[::-1])
    assert (
        sides(load_dataset(write_folder(files | {"tags.csv": backwards}), resolution=16)) == first
    )
    assert sides(load_dataset(write_folder(files), resolution=8)) == first
    more = sides(load_dataset(write_folder(tagged_files(60)), resolution=16))
    assert {name: more[name] for name in first} == first
