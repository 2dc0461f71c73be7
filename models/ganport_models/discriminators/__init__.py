"""Discriminators; importing the package registers them."""

from ganport_models.discriminators import classifier as classifier
from ganport_models.discriminators import dcgan as dcgan
from ganport_models.discriminators import labels as labels
from ganport_models.discriminators import projection as projection
