"""The report of a check as text: aligned, one thing a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ganport_runtime.values import sanitize
from ganport_train.data.check import Coverage, Duplicates, Report

_SIZES = 8
_FAMILIES = 5
_CAPTION = 80


def report_lines(report: Report) -> Iterator[str]:
    """The lines of `ganport dataset check`."""
    yield f"{report.source}: {report.kind}, {_number(report.pictures, 'picture')} that can be used"
    yield f"  digest  {report.digest}"
    yield from _counts("formats", report.formats, report.pictures)
    yield from _sizes(report)
    for group, labels in report.conditions.labels.items():
        yield from _counts(group, labels, report.pictures)
    yield from _numbers(report.conditions)
    yield from _combinations(report.conditions)
    yield from _trials(report.trials)
    yield from _duplicates(report.duplicates)
    yield from _problems(report)


def _counts(title: str, counts: Mapping[str, int], total: int) -> Iterator[str]:
    yield ""
    yield title
    names = max(map(len, counts), default=0)
    numbers = max((len(f"{n:,}") for n in counts.values()), default=0)
    for name, n in counts.items():
        yield f"  {name:<{names}}  {n:>{numbers},}  {n / max(total, 1):6.1%}"


def _sizes(report: Report) -> Iterator[str]:
    counts = {f"{width} x {height}": n for (width, height), n in report.sizes.items()}
    shown = dict(list(counts.items())[:_SIZES])
    if len(counts) > _SIZES:
        shown[f"{len(counts) - _SIZES} others"] = sum(list(counts.values())[_SIZES:])
    yield from _counts("sizes", shown, report.pictures)
    if report.small:
        yield f"  {_number(report.small, 'picture')} below the resolution, to be blown up"


def _numbers(found: Coverage) -> Iterator[str]:
    for group, (least, mean, most) in found.numbers.items():
        yield ""
        yield f"{group}: {least:g} to {most:g}, mean {mean:g}"


def _combinations(found: Coverage) -> Iterator[str]:
    if not found.seen or (len(found.labels) < 2 and found.possible is not None):
        return
    yield ""
    if found.possible is None:
        yield f"combinations: {found.seen:,} different, the rarest"
    else:
        yield f"combinations: {found.seen:,} of {found.possible:,} have a picture"
    rarest = [(sanitize(caption, _CAPTION), n) for caption, n in found.rarest.items()]
    names = max((len(caption) for caption, _ in rarest), default=0)
    for caption, n in rarest:
        yield f"  {caption:<{names}}  {n:,}"
    absent = (found.possible or 0) - found.seen
    if absent > 0:
        more = ["..."] if absent > len(found.absent) else []
        yield f"  without one: {', '.join(found.absent + more)}"


def _trials(trials: Mapping[str, int]) -> Iterator[str]:
    if trials:
        yield ""
        yield "test lists"
        for name, count in trials.items():
            yield f"  {name}: {_number(count, 'request')}"


def _duplicates(duplicates: list[Duplicates]) -> Iterator[str]:
    yield ""
    yield "duplicates"
    for likeness in ("identical", "mirrored", "near"):
        families = [family.ids for family in duplicates if family.likeness == likeness]
        if not families:
            yield f"  {likeness:<9}  none"
            continue
        pictures = sum(map(len, families))
        shown = "; ".join(", ".join(ids[:_FAMILIES]) for ids in families[:_FAMILIES])
        more = "; ..." if len(families) > _FAMILIES else ""
        yield f"  {likeness:<9}  {len(families):,} families of {pictures:,}: {shown}{more}"


def _problems(report: Report) -> Iterator[str]:
    yield ""
    if not report.issues:
        yield "issues: none"
        return
    warnings = len(report.issues) - report.errors
    yield f"issues: {_number(report.errors, 'error')}, {_number(warnings, 'warning')}"
    for issue in report.issues:
        yield f"  {issue.level:<7}  {issue.sentence(report.source)}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
