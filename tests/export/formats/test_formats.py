import logging
import sys
import warnings

import pytest

from ganport_export.formats import stderr_on_success, suppress_known_messages

LOGGER = logging.getLogger("torch.fx.experimental.symbolic_shapes")


def test_suppress_known_messages_passes_unknown_warnings():
    with suppress_known_messages():
        warnings.warn("`torch.jit.trace` is deprecated.", FutureWarning, stacklevel=1)
        warnings.warn("`torch.jit.load` is not supported in", DeprecationWarning, stacklevel=1)
        with pytest.warns(FutureWarning, match="else"):
            warnings.warn("something else is deprecated", FutureWarning, stacklevel=1)


def test_suppress_known_messages_restores_the_level_of_loggers():
    before = LOGGER.level
    with pytest.raises(RuntimeError), suppress_known_messages():
        assert not LOGGER.isEnabledFor(logging.CRITICAL)
        raise RuntimeError
    assert LOGGER.level == before


def test_stderr_on_success_discards_the_output_of_a_failed_block(capsys):
    with stderr_on_success():
        print("a hint", file=sys.stderr)
    assert capsys.readouterr().err == "a hint\n"
    with pytest.raises(RuntimeError), stderr_on_success():
        print("a graph", file=sys.stderr)
        raise RuntimeError
    assert capsys.readouterr().err == ""
