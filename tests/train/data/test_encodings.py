import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_train.data.encodings import (
    NAME_ENCODINGS,
    TABLE_ENCODINGS,
    DecodedText,
    compose,
    decode_text,
    decode_texts,
    only_plausible,
)
from ganport_train.data.issues import EntryError

WESTERN = ["schöne Grüße", "café", "été", "señorita", "crème brûlée", "naïve", "Übung", "façade"]
TURKISH = ["kırmızı", "yeşil", "ağaç", "şövalye", "kız", "gümüş"]  # noqa: RUF001  dotless i
POLISH = ["kość", "mała", "kůň", "ptáček", "czerwień", "żółty", "čierny"]
GERMAN = ["Bär", "Löwe", "Größe", "Käfer", "Vögel", "Mädchen", "Grün", "Tür", "König"]
JAPANESE = ["猫", "犬", "黒髪", "ねこ", "ガンダム", "赤い目", "表", "ソ", "能力"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_decode_text_utf8_needs_no_assumption(encoding: str) -> None:
    decoded = decode_text("1,猫 hair\n".encode(encoding))
    assert (decoded.text, decoded.assumption) == ("1,猫 hair\n", None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_decode_text_utf16_with_and_without_mark(encoding: str) -> None:
    decoded = decode_text("1,pink hair\n2,café hair\n".encode(encoding))
    assert decoded.text == "1,pink hair\n2,café hair\n"
    assert decoded.assumption == "UTF-16"


@pytest.mark.parametrize("word", WESTERN)
def test_decode_text_windows_1252_is_assumed(word: str) -> None:
    decoded = decode_text(f"file_name,text\n1.png,{word}\n".encode("cp1252"))
    assert (decoded.text.split(",")[-1], decoded.encoding) == (f"{word}\n", "cp1252")


@pytest.mark.parametrize("word", [word for word in JAPANESE if word != "ソ"])
def test_decode_text_shift_jis_is_assumed_or_refused(word: str) -> None:
    data = f"file_name,text\n1.png,{word}\n".encode("cp932")
    try:
        decoded = decode_text(data)
    except EntryError as error:
        assert error.found.endswith("on line 2")
    else:
        assert (decoded.text.split(",")[-1], decoded.encoding) == (f"{word}\n", "cp932")


def test_decode_text_of_typical_japanese_table_is_shift_jis() -> None:
    table = "".join(f"{i}.png,{word}\n" for i, word in enumerate(JAPANESE))
    assert decode_text(table.encode("cp932")).text == table


@pytest.mark.parametrize("data", [b"1,a\n2,\x81\xff\n", "кот\n".encode("cp1251"), b"\xff\xfe\x00"])
def test_decode_text_of_other_bytes_raises(data: bytes) -> None:
    with pytest.raises(EntryError, match="Save the file as UTF-8"):
        decode_text(data)


@given(st.text(max_size=30))
def test_decode_text_reads_any_utf8(text: str) -> None:
    if not any(char in text for char in "\0\r\ufeff"):
        assert decode_text(text.encode()).text == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_decode_text_of_any_line_ends(end: str) -> None:
    assert decode_text(f"a,b{end}c,d{end}".encode()).text == "a,b\nc,d\n"


@given(st.binary(max_size=80))
def test_decode_text_of_any_bytes_decodes_or_raises(data: bytes) -> None:
    try:
        assert compose(decode_text(data).text) == decode_text(data).text
    except EntryError as error:
        assert error.fix


@given(st.sampled_from(JAPANESE), st.sampled_from(WESTERN))
def test_only_plausible_never_mistakes_one_script_for_the_other(one: str, other: str) -> None:
    assert only_plausible([one.encode("cp932")], NAME_ENCODINGS) in ("cp932", None)
    assert only_plausible([one.encode("cp932")], TABLE_ENCODINGS) in ("cp932", None)
    if all(char in bytes(range(256)).decode("cp437") for char in other):
        assert only_plausible([other.encode("cp437")], NAME_ENCODINGS) in ("cp437", "cp850", None)
    assert only_plausible([other.encode("cp1252")], TABLE_ENCODINGS) in ("cp1252", None)


def test_only_plausible_decides_for_several_names_together() -> None:
    names = [word.encode("cp932") for word in JAPANESE]
    assert only_plausible(names, NAME_ENCODINGS) == "cp932"
    western = [word.encode("cp850") for word in (*WESTERN, "São")]
    assert only_plausible(western, NAME_ENCODINGS) == "cp850"


@given(st.sampled_from([*WESTERN, *GERMAN]), st.sampled_from(["rød", "São", "naïf", "hår", "pâle"]))
def test_decode_text_reads_western_tables(one: str, other: str) -> None:
    table = f"file_name,text\n1.png,{one}\n2.png,{other}\n"
    assert decode_text(table.encode("cp1252")).text == table


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1254", TURKISH),
        ("cp857", TURKISH),
        ("cp1250", POLISH),
        ("mac-roman", GERMAN),
        ("cp850", GERMAN),
        ("cp437", GERMAN),
    ],
)
def test_decode_text_of_other_code_pages_is_refused(encoding: str, words: list[str]) -> None:
    for word in words:
        try:
            data = f"file_name,text\n1.png,{word}\n2.png,plain\n".encode(encoding)
        except UnicodeEncodeError:
            continue
        with pytest.raises(EntryError, match="Save the file as UTF-8"):
            decode_text(data)


@given(st.lists(st.sampled_from(TURKISH), min_size=1, max_size=4))
def test_only_plausible_never_mistakes_turkish_names(words: list[str]) -> None:
    assert only_plausible([word.encode("cp857") for word in words], NAME_ENCODINGS) is None


@pytest.mark.parametrize("text", ["B較", "ni撲", "舫n", "k鉱 plain"])
def test_only_plausible_refuses_kanji_next_to_latin_letters(text: str) -> None:
    assert only_plausible([text.encode("cp932")], TABLE_ENCODINGS) != "cp932"


def test_only_plausible_reads_a_latin_letter_among_japanese_words() -> None:
    names = [word.encode("cp932") for word in (*JAPANESE, "Tシャツ", "剣士")]
    assert only_plausible(names, NAME_ENCODINGS) == "cp932"


def test_decode_texts_decides_for_all_files_together() -> None:
    texts = ["île", "São", "plain", "schön"]
    with pytest.raises(EntryError, match="Save the file as UTF-8"):
        decode_text(texts[0].encode("cp1252"))
    decoded = decode_texts([text.encode("cp1252") for text in texts])
    assert decoded == [DecodedText(text, None if text.isascii() else "cp1252") for text in texts]


@given(st.lists(st.binary(max_size=20) | st.sampled_from([w.encode() for w in WESTERN])))
def test_decode_texts_of_any_bytes_keeps_utf8(texts: list[bytes]) -> None:
    decoded = decode_texts(texts)
    assert len(decoded) == len(texts)
    for data, text in zip(texts, decoded, strict=True):
        if data in [word.encode() for word in WESTERN]:
            assert text == DecodedText(data.decode())
