"""Network architectures, their registry, and the checkpoint of a trained generator."""

from ganport_models import discriminators as discriminators
from ganport_models import generators as generators
from ganport_models.checkpoint import Checkpoint as Checkpoint
from ganport_models.metadata import CheckpointError as CheckpointError
from ganport_models.network import Discriminator as Discriminator
from ganport_models.network import Flow as Flow
from ganport_models.network import Generator as Generator
from ganport_models.network import NetworkConfig as NetworkConfig
from ganport_models.network import NetworkError as NetworkError
from ganport_models.network import Translator as Translator
from ganport_models.network import build_discriminator as build_discriminator
from ganport_models.network import build_generator as build_generator
from ganport_models.network import discriminator_names as discriminator_names
from ganport_models.network import generator_names as generator_names
