"""Every discriminator, one idea a file; importing the package registers them."""

from ganport_models.discriminators.concat_dcgan import ConcatDiscriminator as ConcatDiscriminator
from ganport_models.discriminators.projection_dcgan import (
    ProjectionDiscriminator as ProjectionDiscriminator,
)
