"""Generators; importing the package registers them."""

from ganport_models.generators import dcgan as dcgan
from ganport_models.generators import glow as glow
from ganport_models.generators import layout as layout
from ganport_models.generators import palette as palette
from ganport_models.generators import residual as residual
from ganport_models.generators import stargan as stargan
