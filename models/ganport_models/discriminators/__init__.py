"""Discriminators; importing the package registers them."""

from ganport_models.discriminators import dcgan as dcgan
from ganport_models.discriminators import labels as labels
from ganport_models.discriminators import projection as projection
from ganport_models.discriminators.classifier import ACGANDiscriminator as ACGANDiscriminator
from ganport_models.discriminators.classifier import (
    ClassifierDiscriminator as ClassifierDiscriminator,
)
