import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ganport_train.data.encodings import NAME_ENCODINGS, TABLE_ENCODINGS, only_plausible
from ganport_train.data.spelling import ENCODINGS, odd_fraction

WORDS = {
    "French": "école forêt garçon fenêtre fidèle goûter île modèle mère neige-là tête âne déjà",
    "German": "Bär Löwe Größe Käfer Vögel Mädchen Grün Tür König süß fünf Äpfel Straße",
    "Spanish": "niño niña corazón jardín pájaro león ratón árbol señal último también",
    "Italian": "città perché caffè più libertà gioventù lunedì virtù felicità così",
    "Portuguese": "coração pão maçã limões leão irmã avô você rã botão três órgão",
    "Norwegian": "blå grønn gård være søt bjørn hår røyk kjære skjørt snø tårn",
    "Swedish": "blå grön häst björn får träd snö skägg kläder små höst ägg",
    "Finnish": "hyvä päivä pöytä työ äiti isä kenkä sää yö tyttö älykäs hämärä",
    "Dutch": "één reünie patiënt ideeën coördinatie crème België zoëven geïnteresseerd",
    "Catalan": "català també cançó església plàstic història raó família camió",
    "Icelandic": "þúfa maður kýr rauður móðir hvítur þrír blár ljósið brúða hæð þýða",
    "Estonian": "öö müür kõrv häda põder süda mõõk tüdruk lõvi nägu",
    "Latvian": "kaķis zaļš bērns māja ūdens suņi ziēma lācis zvērs",
    "Lithuanian": "šuo katė žuvis ąžuolas mėlynas žalias pėda įvairūs",
    "Polish": "kość mała żółty czerwień źrebię ręka łódź pies-ćma wąż",
    "Czech": "kůň ptáček řeka žlutý děvče čierný růže šátek modrý",
    "Hungarian": "nő fiú erdő hősök gyűrű szürke zöld kék őz madár fűzfa",
    "Croatian": "čaša žaba mačka đak kuća šuma crvenkapićica leđa",
    "Romanian": "pâine fată mâţă roşu înger ţară câine băiat",
    "Turkish": "kırmızı yeşil ağaç şövalye gümüş göz çocuk dağ ışık",  # noqa: RUF001  dotless i
    "Russian": "кот пёс дом красный зелёный лошадь",
    "Ukrainian": "кіт їжак жовтий синій дівчина",
    "Greek": "γάτα σκύλος κόκκινο μάτια δέντρο",
    "Hebrew": "חתול כלב ילדה אדום כחול שמש",
    "Japanese": "猫 犬 うさぎ 黒髪 赤い目 ガンダム 剣士 表 能力 花",
    "Chinese": "红色 蓝眼睛 女孩 白猫 红花",
    "Traditional Chinese": "紅色 藍眼睛 女孩 白貓 紅花",
    "Korean": "고양이 강아지 빨강 소녀 나무",
}
"""Words by language."""
USES = {
    "mac_roman": "French German Spanish Italian Portuguese Norwegian Swedish Finnish Dutch Catalan",
    "cp437": "French German Spanish Italian Swedish Finnish Dutch Catalan",
    "cp850": "French German Spanish Italian Portuguese Norwegian Swedish Icelandic Estonian Dutch",
    "cp1252": "French German Spanish Italian Portuguese Norwegian Swedish Icelandic Estonian Dutch",
    "cp860": "Portuguese",
    "cp861": "Icelandic",
    "mac_iceland": "Icelandic",
    "cp863": "French",
    "cp865": "Norwegian Swedish",
    "cp775": "Estonian Latvian Lithuanian",
    "cp1257": "Estonian Latvian Lithuanian",
    "cp852": "Polish Czech Hungarian Croatian Romanian German",
    "cp1250": "Polish Czech Hungarian Croatian Romanian German",
    "mac_latin2": "Polish Czech Hungarian",
    "mac_croatian": "Croatian",
    "cp857": "Turkish",
    "cp1254": "Turkish",
    "mac_turkish": "Turkish",
    "cp866": "Russian",
    "cp855": "Russian",
    "koi8_r": "Russian",
    "cp1251": "Russian Ukrainian",
    "mac_cyrillic": "Russian Ukrainian",
    "cp737": "Greek",
    "cp869": "Greek",
    "cp1253": "Greek",
    "cp862": "Hebrew",
    "cp1255": "Hebrew",
    "cp932": "Japanese",
    "euc_jp": "Japanese",
    "gbk": "Chinese",
    "big5": "Traditional Chinese",
    "cp949": "Korean",
}
"""Languages that are written in each encoding."""
PAIRS = [
    (language, encoding)
    for encoding, languages in USES.items()
    for language in WORDS
    if language in languages and (language != "Chinese" or encoding == "gbk")
]
DOZENS = [
    (language, encoding)
    for language, encoding in PAIRS
    if encoding in NAME_ENCODINGS.encodings and language not in ("Finnish", "Catalan", "Dutch")
]


def encode(words: list[str], encoding: str) -> list[bytes]:
    """Return the words that the encoding has."""
    encoded = [word.encode(encoding, "ignore") for word in words]
    return [
        data for data, word in zip(encoded, words, strict=True) if data.decode(encoding) == word
    ]


@given(st.sampled_from(PAIRS), st.data())
@settings(max_examples=400, deadline=None)
def test_names_in_any_encoding_are_decoded_right_or_refused(
    pair: tuple[str, str], data: st.DataObject
) -> None:
    language, encoding = pair
    chosen = data.draw(st.lists(st.sampled_from(WORDS[language].split()), min_size=1, max_size=6))
    names = encode(chosen, encoding)
    found = only_plausible(names, NAME_ENCODINGS)
    if found is not None:
        assert [name.decode(found) for name in names] == [name.decode(encoding) for name in names]


@given(st.sampled_from(PAIRS), st.data())
@settings(max_examples=400, deadline=None)
def test_tables_in_any_encoding_are_decoded_right_or_refused(
    pair: tuple[str, str], data: st.DataObject
) -> None:
    """Tables of one or two words may be read as Windows-1252: see `Candidates`."""
    language, encoding = pair
    words = st.sampled_from(WORDS[language].split())
    lines = encode(data.draw(st.lists(words, min_size=3, unique=True)), encoding)
    assume(sum(not line.isascii() for line in lines) >= 3)
    found = only_plausible(lines, TABLE_ENCODINGS)
    if found is not None:
        assert [line.decode(found) for line in lines] == [line.decode(encoding) for line in lines]


@pytest.mark.parametrize(("language", "encoding"), DOZENS)
def test_dozen_names_are_decoded(language: str, encoding: str) -> None:
    names = encode(WORDS[language].split(), encoding)
    found = only_plausible(names, NAME_ENCODINGS)
    assert found is not None
    assert [name.decode(found) for name in names] == [name.decode(encoding) for name in names]


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("Bär", "mac_roman"),
        ("här och där", "mac_roman"),
        ("pájaro", "mac_roman"),
        ("blå", "mac_roman"),
        ("patiënt", "mac_roman"),
        ("pão irmã leão", "cp860"),
        ("maður rauður móðir", "cp861"),
        ("lācis zvērs", "cp775"),
        ("erdő nő", "cp852"),
        ("ילדה", "cp862"),
    ],
)
def test_names_in_rival_encodings_are_refused(words: str, encoding: str) -> None:
    assert only_plausible([word.encode(encoding) for word in words.split()], NAME_ENCODINGS) is None


def test_unusual_names_among_many_words_are_decoded() -> None:
    words = f"{WORDS['Spanish']} {WORDS['German']} São".split()
    names = encode(words, "cp850")
    assert only_plausible(names, NAME_ENCODINGS) == "cp850"
    assert only_plausible([*names, "JosÉ".encode("cp850")], NAME_ENCODINGS) == "cp850"
    assert only_plausible(["JosÉ".encode("cp850")], NAME_ENCODINGS) is None


def test_only_plausible_of_many_words_reads_each() -> None:
    """All words are decoded, but only some are tested."""
    names = [f"Bär{index}".encode("cp437") for index in range(20_000)]
    assert only_plausible(names, NAME_ENCODINGS) == "cp437"
    assert only_plausible([*names, b"\xff\xfe"], NAME_ENCODINGS) != "cp932"


@pytest.mark.parametrize(
    ("text", "encoding", "fraction"),
    [
        ("schöne Grüße", "cp1252", 0),
        ("Öl", "cp437", 0),
        ("bÄr", "cp437", 1),
        ("Ó", "cp850", 1),
        ("café m®", "cp1252", 1),
        ("café m²", "cp1252", 0.5),
        ("col\u00b7lecció \u201cl\u2019été\u201d", "cp1252", 0),
        ("İstanbul", "cp1254", 0),
        ("þúfa ðúfa", "cp861", 0.5),
        ("кот ткн", "cp866", 0.5),
        ("猫", "cp932", 0),
        ("caf駻", "cp932", 1),
    ],
)
def test_odd_fraction_counts_words_without_likely_spelling(
    text: str, encoding: str, fraction: float
) -> None:
    assert odd_fraction(text, encoding) == fraction


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_odd_fraction_of_plain_text_is_zero(encoding: str) -> None:
    assert odd_fraction("plain text, 123", encoding) == 0
    assert odd_fraction("", encoding) == 0
