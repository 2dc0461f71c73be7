import platform

import torch
from torch import nn

from ganport_export.provenance import package_versions, weights_digest


def network(bias: float = 0.0) -> nn.Module:
    layer = nn.Linear(2, 2)
    nn.init.ones_(layer.weight)
    nn.init.constant_(layer.bias, bias)
    return nn.Sequential(layer, nn.BatchNorm1d(2))  # with a scalar tensor among its statistics


def test_the_digest_is_of_the_weights_alone():
    assert weights_digest(network()) == weights_digest(network())
    assert weights_digest(network()) != weights_digest(network(bias=1e-6))
    assert weights_digest(network()) != weights_digest(network().half())


def test_versions_hold_what_decides_the_bytes():
    versions = package_versions(onnxruntime=True)
    assert list(versions) == sorted(versions)
    assert versions["torch"] == torch.__version__
    assert versions["python"] == platform.python_version()
    assert "onnxruntime" in versions
    assert "onnxruntime" not in package_versions(onnxruntime=False)
