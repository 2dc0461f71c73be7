"""Every discriminator, one idea a file; importing the package registers them."""

from ganport_models.discriminators.acgan_dcgan import (
    AuxiliaryDiscriminator as AuxiliaryDiscriminator,
)
from ganport_models.discriminators.concat_dcgan import ConcatDiscriminator as ConcatDiscriminator
from ganport_models.discriminators.dcgan import DcganDiscriminator as DcganDiscriminator
from ganport_models.discriminators.dcgan import MatchingDiscriminator as MatchingDiscriminator
from ganport_models.discriminators.label_dcgan import (
    AuxiliaryLabelDiscriminator as AuxiliaryLabelDiscriminator,
)
from ganport_models.discriminators.label_dcgan import (
    LabelPlanesDiscriminator as LabelPlanesDiscriminator,
)
from ganport_models.discriminators.projection_dcgan import (
    ProjectionDiscriminator as ProjectionDiscriminator,
)
from ganport_models.discriminators.projection_dcgan import (
    ProjectionHeadDiscriminator as ProjectionHeadDiscriminator,
)
from ganport_models.discriminators.residual import (
    ResidualDiscriminator as ResidualDiscriminator,
)
from ganport_models.discriminators.residual import (
    ResidualHeadDiscriminator as ResidualHeadDiscriminator,
)
from ganport_models.discriminators.stargan import StarDiscriminator as StarDiscriminator
