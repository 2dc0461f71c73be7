"""The report of `ganport dataset check` as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ganport_runtime.values import sanitize
from ganport_train.data.check import DuplicateGroup, Report
from ganport_train.data.condition_stats import ConditionStats
from ganport_train.data.image_options import describe_image
from ganport_train.data.issues import summarize

_MAX_SIZES = 8
_MAX_DUPLICATES = 5  # groups shown, and images shown of each
_CAPTION_WIDTH = 80


def format_report(report: Report) -> Iterator[str]:
    """Yield the lines of `ganport dataset check`."""
    yield f"{report.source}: {report.format}, {_plural(report.images, 'usable image')}"
    yield f"  digest  {report.digest}"
    if report.images:
        yield from _format_images(report)
    else:
        yield ""
        yield "training would use nothing, because no image is usable"
    yield from _format_issues(report)


def _format_images(report: Report) -> Iterator[str]:
    """Yield the parts about the usable images."""
    yield from _format_training(report)
    yield from _format_counts("file formats", report.file_formats, report.images)
    yield from _format_sizes(report)
    for group, labels in report.conditions.labels.items():
        yield from _format_counts(group, labels, report.images)
    for group, (low, mean, high) in report.conditions.numbers.items():
        yield ""
        yield f"{group}: {low:g} to {high:g}, mean {mean:g}"
    yield from _format_combinations(report.conditions)
    yield from _format_test_prompts(report.test_prompts)
    yield from _format_duplicates(report.duplicates)


def _format_training(report: Report) -> Iterator[str]:
    """Yield what would be trained, and the warnings that training would print."""
    yield ""
    yield "training would use"
    rows = {"images": describe_image(report.image)} | report.groups
    if not report.groups:
        rows["conditions"] = "none"
    width = max(map(len, rows))
    for name, text in rows.items():
        yield f"  {sanitize(name, _CAPTION_WIDTH):<{width}}  {text}"
    for note in report.notes:
        yield f"  note     {note}"
    for advice in report.advice:
        yield f"  warning  {advice}"


def _format_counts(title: str, counts: Mapping[str, int], total: int) -> Iterator[str]:
    yield ""
    yield title
    width = max(map(len, counts), default=0)
    digits = max((len(f"{n:,}") for n in counts.values()), default=0)
    for name, n in counts.items():
        yield f"  {name:<{width}}  {n:>{digits},}  {n / max(total, 1):6.1%}"


def _format_sizes(report: Report) -> Iterator[str]:
    counts = {f"{width} x {height}": n for (width, height), n in report.sizes.items()}
    shown = dict(list(counts.items())[:_MAX_SIZES])
    if len(counts) > _MAX_SIZES:
        shown[f"{len(counts) - _MAX_SIZES} others"] = sum(list(counts.values())[_MAX_SIZES:])
    yield from _format_counts("sizes", shown, report.images)
    if report.upscaled:
        images = _plural(report.upscaled, "image")
        yield f"  {images} below the resolution, to be enlarged or padded"


def _format_combinations(stats: ConditionStats) -> Iterator[str]:
    if not stats.seen or (len(stats.labels) < 2 and stats.possible is not None):
        return
    yield ""
    if stats.possible is None:
        yield f"combinations: {stats.seen:,} different, the rarest"
    else:
        yield f"combinations: {stats.seen:,} of {stats.possible:,} have an image, the rarest"
    rarest = [(sanitize(caption, _CAPTION_WIDTH), n) for caption, n in stats.rarest.items()]
    width = max((len(caption) for caption, _ in rarest), default=0)
    for caption, n in rarest:
        yield f"  {caption:<{width}}  {n:,}"
    missing = (stats.possible or 0) - stats.seen
    if missing > 0:
        ellipsis = ["..."] if missing > len(stats.missing) else []
        yield f"  without an image: {', '.join(stats.missing + ellipsis)}"


def _format_test_prompts(counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        yield ""
        yield "test lists"
        for name, count in counts.items():
            yield f"  {name}: {_plural(count, 'prompt')}"


def _format_duplicates(duplicates: list[DuplicateGroup]) -> Iterator[str]:
    yield ""
    yield "duplicates"
    for similarity in ("identical", "mirrored", "near"):
        groups = [group.ids for group in duplicates if group.similarity == similarity]
        if not groups:
            yield f"  {similarity:<9}  none"
            continue
        images = sum(map(len, groups))
        shown = "; ".join(", ".join(ids[:_MAX_DUPLICATES]) for ids in groups[:_MAX_DUPLICATES])
        ellipsis = "; ..." if len(groups) > _MAX_DUPLICATES else ""
        largest = f", the largest of {max(map(len, groups)):,}" if len(groups) > 1 else ""
        yield f"  {similarity:<9}  {len(groups):,} groups of {images:,}{largest}: {shown}{ellipsis}"


def _format_issues(report: Report) -> Iterator[str]:
    yield ""
    if not report.issues:
        yield "issues: none"
        return
    warnings = len(report.issues) - report.errors
    yield f"issues: {_plural(report.errors, 'error')}, {_plural(warnings, 'warning')}"
    for level, message in summarize(report.issues, report.source):
        yield f"  {level:<7}  {message}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
