"""Seeds to standard normal noise."""

from ganport_runtime.noise.normals import ALGORITHM as ALGORITHM
from ganport_runtime.noise.normals import Keys as Keys
from ganport_runtime.noise.normals import check_integer as check_integer
from ganport_runtime.noise.normals import check_seed as check_seed
from ganport_runtime.noise.normals import consecutive as consecutive
from ganport_runtime.noise.normals import normals as normals
from ganport_runtime.noise.normals import philox4x32 as philox4x32
from ganport_runtime.noise.normals import rows_of as rows_of
