"""Signals ask for a stop; a second one insists."""

import signal

import pytest

from ganport_train.runs.stop_signal import interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_and_a_second_one_insists(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interruptible() as interrupt:
        assert not interrupt.asked
        signal.raise_signal(number)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before
