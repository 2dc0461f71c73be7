"""Sidecars: next to each image a text file of the same name with tags, separated by commas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from ganport_runtime.conditions import Conditions, MultiHot
from ganport_runtime.values import suggestion
from ganport_train.data.encodings import DecodedText, decode_texts
from ganport_train.data.file_formats import is_image
from ganport_train.data.formats.base import Contents, Example, Gap, Reader, check_labels
from ganport_train.data.formats.image_index import stem, unlabeled
from ganport_train.data.issues import DataError, EntryError, Issue, IssueLog, attempt, quote
from ganport_train.data.source import Source

GROUP = "tags"
EXTENSION = ".txt"
MAX_TAGS = 32
"""Tags that become labels, unless they are named."""
MAX_SIDECAR = 64 << 10
"""Bytes of a text file."""

_BETWEEN = re.compile(r"[,\n]")
_MAX_WORDS = 4  # mean words of a tag, above which the texts are captions
_MIN_SIDECARS = 2
_SHOWN = 8


class Sidecars(Reader):
    """Reader of images with text files of tags, which become one list of labels.

    The labels are the most frequent tags that some images lack, or those of `attributes`.
    """

    format = "sidecar"
    title = "images with text files of tags"
    layout = "a text file of tags, separated by commas, next to each image"
    is_table = False
    supports_attribute_selection = True

    def detect(self, source: Source) -> bool:
        texts = _sidecars(source)
        images = sum(map(is_image, source.names))
        return len(texts) >= _MIN_SIDECARS and 2 * len(texts) >= images

    def gap(self, source: Source) -> Gap:
        count = len(_sidecars(source))
        if count:
            return Gap(1, f"the text files of most images: only {count:,} have one")
        return Gap(2, "a text file of tags next to each image, such as `1.txt` for `1.png`")

    def read(self, source: Source, issues: IssueLog, attributes: Sequence[str]) -> Contents:
        texts = _sidecars(source)
        tags = _read_all(source, texts, issues)
        chosen = _choose(source, tags, attributes, issues)
        examples: list[Example] = []
        for image, found in tags.items():
            labels = [tag for tag in chosen if tag in found]
            examples.append(Example(image, image, texts[image], None, {GROUP: labels}))
        for image in sorted(name for name in source.names if is_image(name) and name not in texts):
            fix = "Add the file or remove the image."
            issues.add(unlabeled(image, "a text file of the same name", fix))

        def vocabulary() -> Conditions:
            check_labels(GROUP, chosen, str(source))
            most = max(len(example.labels[GROUP]) for example in examples)
            return Conditions((MultiHot(GROUP, tuple(chosen), (), max(most, 1)),))

        return Contents(examples, vocabulary)


def _sidecars(source: Source) -> dict[str, str]:
    """Return the text file of each image that has one, by the name of the image."""
    texts = {stem(name): name for name in source.names if name.lower().endswith(EXTENSION)}
    images = sorted(filter(is_image, source.names))
    return {name: texts[stem(name)] for name in images if stem(name) in texts}


def _read_all(
    source: Source, texts: Mapping[str, str], issues: IssueLog
) -> dict[str, dict[str, None]]:
    """Return the tags of each image, in order and each once."""
    tags: dict[str, dict[str, None]] = {}
    assumed: Counter[str] = Counter()
    for image, decoded in _decode_all(source, texts).items():
        if isinstance(decoded, EntryError):
            issues.add(Issue.from_error(decoded, "labels", texts[image], image=image))
            continue
        assumed.update([decoded.assumption] if decoded.assumption else [])
        items = (" ".join(item.split()) for item in _BETWEEN.split(decoded.text))
        tags[image] = dict.fromkeys(item for item in items if item)
    for title, count in assumed.items():
        found, fix = f"what reads as {title} in {count:,} files", "Check the tags."
        issues.add(Issue("labels", "", "UTF-8 text", found, fix, level="warning"))
    return tags


def _decode_all(source: Source, texts: Mapping[str, str]) -> dict[str, DecodedText | EntryError]:
    """Return the text or the error of each image, in order."""
    found = {image: attempt(source.read, name, MAX_SIDECAR) for image, name in texts.items()}
    decoded = iter(decode_texts([data for data in found.values() if isinstance(data, bytes)]))
    return {
        image: data if isinstance(data, EntryError) else next(decoded)
        for image, data in found.items()
    }


def _choose(
    source: Source,
    tags: Mapping[str, Mapping[str, None]],
    requested: Sequence[str],
    issues: IssueLog,
) -> list[str]:
    """Return the tags that become labels, and log which they are."""
    counts = Counter(tag for found in tags.values() for tag in found)
    for tag in requested:
        if tag not in counts:
            fix = suggestion(tag, counts)
            found = f"{len(counts):,} others"
            raise DataError(str(source), f"the tag {quote(tag)}", found, fix)
    if requested:
        return list(dict.fromkeys(requested))
    _check_no_captions(source, counts)
    # A tag of one image or of all images tells none from another.
    useful = Counter({tag: n for tag, n in counts.items() if 1 < n < len(tags)})
    chosen = _by_frequency(useful)[:MAX_TAGS]
    if not chosen:
        fix = "Give some images a tag that others lack."
        raise DataError(str(source), "tags that some images share", f"{len(counts):,}", fix)
    _report_choice(chosen, counts, issues)
    return chosen


def _report_choice(chosen: Sequence[str], counts: Counter[str], issues: IssueLog) -> None:
    shown = ", ".join(f"{tag} ({counts[tag]:,})" for tag in chosen[:_SHOWN])
    rest = f" and {len(chosen) - _SHOWN} more" if len(chosen) > _SHOWN else ""
    expected = f"at most {MAX_TAGS} tags, each on some of the images"
    found = f"{len(counts):,}. The labels are {shown}{rest}"
    fix = "To use others, name them in data.attributes."
    if len(chosen) < len(counts):
        issues.add(Issue("vocabulary", "", expected, found, fix, level="warning"))


def _check_no_captions(source: Source, counts: Counter[str]) -> None:
    words = sum(n * len(tag.split()) for tag, n in counts.items()) / max(counts.total(), 1)
    if words > _MAX_WORDS:
        longest = quote(max(counts, key=len), 80)
        fix = (
            "Captions condition nothing. Write tags, or a table: `ganport dataset init FOLDER`. Or "
            "train anime-dcgan, a recipe without conditions, with --set data.format=images."
        )
        expected = "short tags, separated by commas"
        raise DataError(str(source), expected, f"sentences such as {longest}", fix)


def _by_frequency(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda tag: (-counts[tag], tag))
