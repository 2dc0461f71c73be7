"""Examples to condition vectors, held to a vocabulary."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.conditions import Conditions
from ganport_runtime.errors import ConditionError
from ganport_train.data.formats.reader import Example
from ganport_train.data.issues import Issue, IssueLog

Floats = NDArray[np.float32]


def encode(
    examples: Sequence[Example], conditions: Conditions, issues: IssueLog
) -> tuple[list[Example], Floats]:
    """The examples that `conditions` can say, and their float32 (N, C) vectors.

    Raises `DataError` if the groups of the data set are not those of `conditions`; a label
    outside them goes to `issues`. Unconditional training takes every example.
    """
    if not conditions.groups:
        return list(examples), np.zeros((len(examples), 0), np.float32)
    kept: list[Example] = []
    vectors: list[Floats] = []
    known: dict[str, Floats | ConditionError] = {}
    for example in examples:
        said = json.dumps(example.request, sort_keys=True)
        if said not in known:
            _check_groups(example, conditions, issues.source)
            known[said] = _vector(example, conditions)
        vector = known[said]
        if isinstance(vector, ConditionError):
            issues.add(_outside(example, vector))
        else:
            kept.append(example)
            vectors.append(vector)
    return kept, np.stack(vectors) if vectors else np.zeros((0, conditions.size), np.float32)


def _vector(example: Example, conditions: Conditions) -> Floats | ConditionError:
    try:
        return conditions.encode(example.request)
    except ConditionError as error:
        return error


def _check_groups(example: Example, conditions: Conditions, source: str) -> None:
    # A group left out would silently take its default.
    if example.request.keys() != conditions.fields.keys():
        raise Issue(
            "vocabulary",
            example.table,
            expected=f"the condition groups of the recipe, {', '.join(conditions.fields)}",
            found=", ".join(example.request) or "none",
            fix="Take a recipe for these groups, or one without a pinned vocabulary.",
            line=example.line,
        ).error(source)


def _outside(example: Example, error: ConditionError) -> Issue:
    return Issue(
        "vocabulary",
        example.table,
        expected=f"{error.expected} ({error.place})",
        found=error.found,
        fix=error.fix,
        line=example.line,
        picture=example.picture,
    )
