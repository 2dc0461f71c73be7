import re
import struct
import subprocess
import sys
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest

from ganport_train.data.formats.registry import choose_reader, open_source
from ganport_train.data.issues import DataError, IssueLog


class RawName(zipfile.ZipInfo):
    """A member whose name is written as given bytes, without the UTF-8 flag."""

    def __init__(self, raw: bytes, extra: bytes = b"") -> None:
        super().__init__(raw.decode("cp437"))
        self.raw, self.extra = raw, extra

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802  the hook of `zipfile`
        return self.raw, self.flag_bits


def pack(path: Path, names: dict[bytes, bytes], extra: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for raw, data in names.items():
            archive.writestr(RawName(raw, extra), data)
    return path


def classes(path: Path) -> set[str]:
    with open_source(path) as source:
        reader = choose_reader(source, "image_folder")
        examples = reader.read(source, IssueLog("x", strict=True), ()).examples
        return {example.labels["class"] for example in examples}


def folders(words: list[str], encoding: str) -> dict[bytes, bytes]:
    return {f"{word}/{i}.png".encode(encoding): b"" for word in words for i in range(2)}


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (["猫", "犬", "うさぎ"], "cp932"),
        (["猫", "plain"], "cp932"),
        (["Bär", "Löwe", "Größe"], "cp437"),
        (["café", "niño", "crème"], "cp437"),
        (["São", "coração"], "cp850"),
        (["猫", "犬"], "utf-8"),
        (["Bär", "ガ"], "utf-8"),
    ],
)
def test_names_without_the_flag_are_decoded_by_evidence(
    tmp_path: Path, words: list[str], encoding: str
) -> None:
    path = pack(tmp_path / "a.zip", folders(words, encoding))
    assert classes(path) == set(words)
    with open_source(path) as source:
        assert [note.level for note in source.notes] == ["warning"] * (encoding != "utf-8")


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (["表", "能"], "cp932"),
        (["кот", "пёс"], "cp866"),
        (["고양이"], "cp949"),
        (["öl"], "cp437"),
        (["КОТЫ"], "cp866"),
        (["猫", "狗"], "gbk"),
        (["貓"], "big5"),
        (["mała", "kość"], "cp852"),
        (["Bär"], "cp1252"),
        (["kůň"], "cp852"),
        (["犬", "白"], "cp932"),
        (["tête"], "cp437"),
        (["gård"], "cp850"),
        (["γάτα"], "cp737"),
        (["kırmızı", "kız"], "cp857"),  # noqa: RUF001  dotless i
        (["ēna", "müts"], "cp775"),
        (["kaķis", "šuo"], "cp775"),
        (["maçã", "coração"], "mac-roman"),
        (["pão", "irmã", "leão"], "cp860"),
        (["maður", "rauður", "móðir"], "cp861"),
        (["lācis", "zvērs"], "cp775"),
        (["ילדה"], "cp862"),
        (["粥", "柚"], "gbk"),
    ],
)
def test_names_of_uncertain_encoding_are_refused_or_right(
    tmp_path: Path, words: list[str], encoding: str
) -> None:
    """A folder that is read has its own name: no class is mislabeled."""
    files = folders(words, encoding) | {b"a/1.png": b"", b"b/1.png": b""}
    path = pack(tmp_path / "a.zip", files)
    assert classes(path) in ({"a", "b"}, {"a", "b", *words})
    with open_source(path) as source:
        for issue in source.rejected:
            assert issue.expected == "names in UTF-8, or in an encoding that is certain"
        assert source.rejected or classes(path) > {"a", "b"}


def test_decomposed_names_of_macos_are_one_class_with_composed_ones(tmp_path: Path) -> None:
    words = [unicodedata.normalize("NFD", "ガ"), "ガ", "犬"]
    assert classes(pack(tmp_path / "a.zip", folders(words, "utf-8"))) == {"ガ", "犬"}


def test_a_table_decides_between_encodings(tmp_path: Path) -> None:
    files = {"images/öl.png".encode("cp437"): b"", "images/表.png".encode("cp932"): b""}
    for (raw, data), word in zip(files.items(), ("öl", "表"), strict=True):
        plain = pack(tmp_path / "a.zip", {raw: data})
        with open_source(plain) as source:
            refused = source.rejected
        table = {b"tags.csv": f"{word},pink hair\n".encode(), raw: data}
        with open_source(pack(tmp_path / "b.zip", table)) as source:
            assert source.names == {"tags.csv", f"images/{word}.png"}
        assert refused


@pytest.mark.parametrize("encoding", ["mac_roman", "cp860", "cp1252"])
def test_a_table_decides_for_encodings_that_are_refused_without_it(
    tmp_path: Path, encoding: str
) -> None:
    files = {"images/coração.png".encode(encoding): b"", "images/maçã.png".encode(encoding): b""}
    table = {b"tags.csv": "coração,pink hair\nmaçã,pink hair\n".encode()}
    with open_source(pack(tmp_path / "a.zip", files)) as source:
        assert len(source.rejected) == 2
    with open_source(pack(tmp_path / "b.zip", table | files)) as source:
        assert source.names == {"tags.csv", "images/coração.png", "images/maçã.png"}
        assert [note.level for note in source.notes] == ["warning"]


def test_unicode_path_of_info_zip_is_read(tmp_path: Path) -> None:
    raw = b"images/??.png"
    field = struct.pack("<BI", 1, zlib.crc32(raw)) + "images/猫犬.png".encode()
    extra = struct.pack("<HH", 0x7075, len(field)) + field
    with open_source(pack(tmp_path / "a.zip", {raw: b"x"}, extra)) as source:
        assert source.names == {"images/猫犬.png"}
        assert source.read("images/猫犬.png", 9) == b"x"
    stale = struct.pack("<HH", 0x7075, len(field)) + field[:1] + b"\0\0\0\0" + field[5:]
    with open_source(pack(tmp_path / "b.zip", {raw: b""}, stale)) as source:
        assert source.names == {"images/??.png"}


def test_table_with_composed_names_finds_decomposed_files_of_macos(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", "ガ0")
    files = {b"tags.csv": "ガ0,pink hair\n".encode(), f"images/{name}.png".encode(): b""}
    with open_source(pack(tmp_path / "a.zip", files)) as source:
        (example,) = choose_reader(source).read(source, IssueLog("x", strict=True), ()).examples
    assert example.image == f"images/{name}.png"


def test_zip_of_uncertain_names_says_why_it_has_no_images(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", folders(["кот", "пёс"], "cp866"))
    with open_source(path) as source, pytest.raises(DataError) as caught:
        choose_reader(source)
    assert "4 files are refused. The first: " in caught.value.fix
    assert "python -m zipfile --metadata-encoding" in caught.value.fix


def test_refused_names_are_named_where_other_images_remain(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", folders(["Bär", "plain"], "cp1252"))
    with open_source(path) as source, pytest.raises(DataError) as caught:
        choose_reader(source)
    assert caught.value.fix.startswith("2 files are refused. The first: ")


def test_command_of_the_message_unpacks_the_names(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", folders(["Bär", "Löwe", "Fuchs"], "cp1252"))
    with open_source(path) as source:
        (command, *_) = re.findall(r"`python (.*?)`", source.rejected[0].fix)
    words = [{"FILE.zip": path.name, "FOLDER": "out"}.get(word, word) for word in command.split()]
    subprocess.run([sys.executable, *words], cwd=tmp_path, check=True)
    assert classes(tmp_path / "out") == {"Bär", "Löwe", "Fuchs"}
