from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_train.data import load_dataset
from ganport_train.data.check import check_dataset
from ganport_train.data.formats.registry import enter_top_folder, open_source

Files = dict[str, bytes]
MakeFiles = Callable[..., Files]
Write = Callable[..., Path]


@pytest.mark.parametrize("kind", ["write_folder", "write_zip"])
def test_dataset_in_its_own_folder_is_read(
    tagged_files: MakeFiles,
    kind: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    files = {f"my faces/{name}": data for name, data in tagged_files(4, 16).items()}
    path = request.getfixturevalue(kind)(files | {"__MACOSX/x": b"", ".DS_Store": b""})
    dataset = load_dataset(path, resolution=16, cache=tmp_path / "cache")
    assert (len(dataset), dataset.format, dataset.issues) == (4, "tagged_csv", ())
    with open_source(path) as source:
        assert dataset.digest == source.digest


def test_issues_of_an_inner_dataset_name_its_folder(
    tagged_files: MakeFiles, write_zip: Write
) -> None:
    files = {f"faces/{name}": data for name, data in tagged_files(3, 16).items()}
    files["faces/tags.csv"] += b"bad line\n"
    path = write_zip(files | {"faces/../x.png": b""}, "set.zip")
    report = check_dataset(path, resolution=16)
    messages = [issue.message(report.source) for issue in report.issues]
    assert any(message.startswith(f"{path}/faces/tags.csv:4: ") for message in messages)
    assert any("leaves the dataset" in message for message in messages)


@pytest.mark.parametrize(
    "names",
    [
        ("set/cat/1.png", "set/dog/1.png"),
        ("set/1.png", "set/2.png"),
        ("tags.csv", "set/tags.csv"),
        ("a/tags.csv", "b/tags.csv"),
        ("tags.csv", "images/1.png"),
        (),
    ],
)
def test_other_sources_are_not_entered(write_zip: Write, names: tuple[str, ...]) -> None:
    with open_source(write_zip(dict.fromkeys(names, b""))) as source:
        assert enter_top_folder(source) is source
