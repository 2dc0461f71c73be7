"""Generators; importing the package registers them."""

from ganport_models.generators.dcgan import ConcatGenerator as ConcatGenerator
from ganport_models.generators.dcgan import DCGANGenerator as DCGANGenerator
from ganport_models.generators.dcgan import FilmGenerator as FilmGenerator
from ganport_models.generators.dcgan import LabelPlanesGenerator as LabelPlanesGenerator
from ganport_models.generators.glow import Glow as Glow
from ganport_models.generators.residual import ResidualGenerator as ResidualGenerator
from ganport_models.generators.stargan import StarGANGenerator as StarGANGenerator
