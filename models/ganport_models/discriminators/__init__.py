"""Discriminators; importing the package registers them."""

from ganport_models.discriminators.classifier import ACGANDiscriminator as ACGANDiscriminator
from ganport_models.discriminators.classifier import (
    ClassifierDiscriminator as ClassifierDiscriminator,
)
from ganport_models.discriminators.classifier import StarGANDiscriminator as StarGANDiscriminator
from ganport_models.discriminators.dcgan import ConcatDiscriminator as ConcatDiscriminator
from ganport_models.discriminators.dcgan import DCGANDiscriminator as DCGANDiscriminator
from ganport_models.discriminators.dcgan import MatchingDiscriminator as MatchingDiscriminator
from ganport_models.discriminators.labels import (
    AuxiliaryLabelDiscriminator as AuxiliaryLabelDiscriminator,
)
from ganport_models.discriminators.labels import (
    LabelPlanesDiscriminator as LabelPlanesDiscriminator,
)
from ganport_models.discriminators.projection import (
    ProjectionDiscriminator as ProjectionDiscriminator,
)
from ganport_models.discriminators.projection import (
    ProjectionHeadDiscriminator as ProjectionHeadDiscriminator,
)
from ganport_models.discriminators.projection import (
    ResidualDiscriminator as ResidualDiscriminator,
)
from ganport_models.discriminators.projection import (
    ResidualHeadDiscriminator as ResidualHeadDiscriminator,
)
