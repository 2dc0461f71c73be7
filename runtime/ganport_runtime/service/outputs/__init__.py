"""Pictures to the body of an answer: files, arrays, an atlas with its index."""

from __future__ import annotations

from ganport_runtime.service.outputs.encoding import encode as encode
from ganport_runtime.service.outputs.formats import CONTAINERS as CONTAINERS
from ganport_runtime.service.outputs.formats import OUTPUTS as OUTPUTS
from ganport_runtime.service.outputs.formats import check_output as check_output
from ganport_runtime.service.outputs.formats import container_of as container_of
from ganport_runtime.service.outputs.parts import Encoded as Encoded
