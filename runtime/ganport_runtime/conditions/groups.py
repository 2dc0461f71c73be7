"""The six kinds of condition group: a value asked for in, a slice of the condition vector out.

The rules of every kind stand in `docs/interface.md`.
"""

from __future__ import annotations

from ganport_runtime.conditions.base import ConditionGroup as ConditionGroup
from ganport_runtime.conditions.categorical import JointOneHot as JointOneHot
from ganport_runtime.conditions.categorical import OneHot as OneHot
from ganport_runtime.conditions.multilabel import MultiHot as MultiHot
from ganport_runtime.conditions.multilabel import SignedMultiHot as SignedMultiHot
from ganport_runtime.conditions.numeric import Rgb as Rgb
from ganport_runtime.conditions.numeric import Scalar as Scalar
from ganport_runtime.strictjson import JsonObject

KINDS: dict[str, type[ConditionGroup]] = {
    group.kind: group for group in (OneHot, JointOneHot, MultiHot, SignedMultiHot, Rgb, Scalar)
}


def group_from_json(entry: object, place: str) -> ConditionGroup:
    """The group of one entry of `manifest.conditions`; raises `BundleError` or `ConditionError`."""
    fields = JsonObject(entry, place)
    return KINDS[fields.one_of("kind", tuple(KINDS))].from_json(fields)
