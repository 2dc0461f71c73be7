"""ganport's runtime: a bundle in, images out."""

from ganport_runtime.batcher import Batcher as Batcher
from ganport_runtime.batcher import BatcherStats as BatcherStats
from ganport_runtime.batcher import GenerationResult as GenerationResult
from ganport_runtime.bundle import Bundle as Bundle
from ganport_runtime.bundle.manifest import Manifest as Manifest
from ganport_runtime.conditions import Conditions as Conditions
from ganport_runtime.errors import BundleError as BundleError
from ganport_runtime.errors import ClosedError as ClosedError
from ganport_runtime.errors import ConditionError as ConditionError
from ganport_runtime.errors import DeadlineError as DeadlineError
from ganport_runtime.errors import DeviceError as DeviceError
from ganport_runtime.errors import GanportError as GanportError
from ganport_runtime.errors import MissingExtraError as MissingExtraError
from ganport_runtime.errors import QueueFullError as QueueFullError
from ganport_runtime.errors import RequestError as RequestError
from ganport_runtime.generator import Generator as Generator
