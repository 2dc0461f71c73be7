"""Standard normal noise from seeds, the same in every language."""

from ganport_runtime.noise.normals import ALGORITHM as ALGORITHM
from ganport_runtime.noise.normals import SeedArray as SeedArray
from ganport_runtime.noise.normals import check_integer as check_integer
from ganport_runtime.noise.normals import check_seed as check_seed
from ganport_runtime.noise.normals import normal_rows as normal_rows
from ganport_runtime.noise.normals import normals as normals
from ganport_runtime.noise.normals import philox4x32 as philox4x32
from ganport_runtime.noise.normals import seed_range as seed_range
