import logging
import sys
import warnings

import pytest

from ganport_export.suppress_stderr import silence, stderr_on_success

LOGGER = logging.getLogger("torch.fx.experimental.symbolic_shapes")


def test_known_chatter_is_silent_and_unknown_is_heard():
    with silence():
        warnings.warn("`torch.jit.trace` is deprecated.", FutureWarning, stacklevel=1)
        warnings.warn("`torch.jit.load` is not supported in", DeprecationWarning, stacklevel=1)
        with pytest.warns(FutureWarning, match="else"):
            warnings.warn("something else is deprecated", FutureWarning, stacklevel=1)


def test_loggers_have_their_level_back(caplog):
    before = LOGGER.level
    with pytest.raises(RuntimeError), silence():
        assert not LOGGER.isEnabledFor(logging.CRITICAL)
        raise RuntimeError
    assert LOGGER.level == before


def test_stderr_is_kept_unless_the_block_fails(capsys):
    with stderr_on_success():
        print("a hint", file=sys.stderr)
    assert capsys.readouterr().err == "a hint\n"
    with pytest.raises(RuntimeError), stderr_on_success():
        print("a dump", file=sys.stderr)
        raise RuntimeError
    assert capsys.readouterr().err == ""
