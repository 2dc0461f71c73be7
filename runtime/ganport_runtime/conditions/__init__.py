"""Condition groups, and the requests that name their values."""

from ganport_runtime.conditions.conditions import KINDS as KINDS
from ganport_runtime.conditions.conditions import MAX_GROUPS as MAX_GROUPS
from ganport_runtime.conditions.conditions import MAX_SIZE as MAX_SIZE
from ganport_runtime.conditions.conditions import CachedConditionEncoder as CachedConditionEncoder
from ganport_runtime.conditions.conditions import ConditionInput as ConditionInput
from ganport_runtime.conditions.conditions import ConditionRequest as ConditionRequest
from ganport_runtime.conditions.conditions import Conditions as Conditions
from ganport_runtime.conditions.groups import ConditionGroup as ConditionGroup
from ganport_runtime.conditions.groups import JointOneHot as JointOneHot
from ganport_runtime.conditions.groups import OneHot as OneHot
from ganport_runtime.conditions.multilabel import MultiHot as MultiHot
from ganport_runtime.conditions.multilabel import SignedMultiHot as SignedMultiHot
from ganport_runtime.conditions.numeric import Rgb as Rgb
from ganport_runtime.conditions.numeric import Scalar as Scalar
