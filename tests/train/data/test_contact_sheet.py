from collections.abc import Callable
from pathlib import Path

from ganport_runtime.images.format import ImageFormat
from ganport_train.data.check import check_dataset
from ganport_train.data.contact_sheet import COLUMNS, Sample

Files = dict[str, bytes]
Write = Callable[..., Path]


def test_sample_has_a_row_for_each_label(
    tagged_files: Callable[..., Files], write_folder: Write
) -> None:
    sample = Sample()
    check_dataset(write_folder(tagged_files(30, 16)), resolution=16, sample=sample)
    page = sample.draw("30 images", ImageFormat((16, 16)))
    assert page is not None
    assert page.mode == "RGB"
    assert page.width > COLUMNS * 64
    assert 3 * 64 < page.height < 4 * 64 + 60


def test_sample_without_labels_is_a_grid(
    format_files: Callable[[str], Files], write_folder: Write
) -> None:
    sample = Sample()
    path = write_folder(format_files("image_folder"))
    check_dataset(path, format="images", resolution=16, sample=sample)
    page = sample.draw("5 images", ImageFormat((16, 16), "gray"))
    assert page is not None
    assert 64 < page.height < 2 * 64 + 60


def test_sample_without_images_has_no_page(write_folder: Write) -> None:
    sample = Sample()
    check_dataset(write_folder({"tags.csv": b"1,pink hair\n"}), sample=sample)
    assert sample.draw("nothing", ImageFormat((64, 64))) is None
