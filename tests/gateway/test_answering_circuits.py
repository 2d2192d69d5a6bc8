"""Circuit breakers: when a model is left alone, and when it is tried again."""

import pytest

from gateway.answering import circuits
from gateway.answering.circuits import FAILURES, PROBE, SEEN, SLOW, Circuit, CircuitOpen
from gateway.answering.providers import ModelUnavailable, Provider


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(circuits, "time", clock)
    return clock


def fail(circuit: Circuit, *, counts: bool = True) -> None:
    error = ModelUnavailable("x")
    error.counts = counts
    with pytest.raises(ModelUnavailable), circuit.calling():
        raise error


def succeed(circuit: Circuit, seconds: float = 0.5) -> None:
    with circuit.calling():
        circuit.first_token(seconds)


def is_open(circuit: Circuit) -> bool:
    try:
        succeed(circuit)
    except CircuitOpen:
        return True
    return False


def test_it_opens_after_so_many_failures_in_a_row(time: Time) -> None:
    circuit = Circuit()
    for _ in range(FAILURES):
        fail(circuit)
    assert is_open(circuit)


def test_a_success_between_failures_keeps_it_closed(time: Time) -> None:
    circuit = Circuit()
    for _ in range(FAILURES - 1):
        fail(circuit)
    succeed(circuit)
    for _ in range(FAILURES - 1):
        fail(circuit)
    assert not is_open(circuit)


def test_what_says_nothing_of_the_provider_is_not_counted(time: Time) -> None:
    circuit = Circuit()
    for _ in range(FAILURES * 2):
        fail(circuit, counts=False)
    assert not is_open(circuit)


def test_it_opens_when_first_tokens_are_slow(time: Time) -> None:
    circuit = Circuit()
    for _ in range(SEEN):
        succeed(circuit, SLOW + 1)
    assert is_open(circuit)


def test_one_slow_first_token_among_many_does_not_open_it(time: Time) -> None:
    circuit = Circuit()
    for number in range(SEEN * 2):
        succeed(circuit, SLOW + 1 if number % SEEN == 0 else 1)
    assert not is_open(circuit)


def test_one_call_looks_after_a_while_whether_it_is_well_again(time: Time) -> None:
    circuit = Circuit()
    for _ in range(FAILURES):
        fail(circuit)
    time.now += PROBE + 0.1
    fail(circuit)
    assert is_open(circuit)
    time.now += PROBE + 0.1
    succeed(circuit)
    assert not is_open(circuit)


def test_only_one_call_looks_at_a_time(time: Time) -> None:
    circuit = Circuit()
    for _ in range(FAILURES):
        fail(circuit)
    time.now += PROBE + 0.1
    with circuit.calling():
        assert is_open(circuit)
        circuit.first_token(0.5)
    assert not is_open(circuit)


def test_a_reader_who_leaves_says_nothing_of_the_model(time: Time) -> None:
    circuit = Circuit()
    for _ in range(FAILURES):
        with pytest.raises(GeneratorExit), circuit.calling():
            raise GeneratorExit
    assert not is_open(circuit)


def test_each_provider_and_model_has_its_own() -> None:
    one, other = Provider(base_url="http://127.0.0.1:1", model="a"), Provider(base_url="http://127.0.0.1:1", model="b")
    assert circuits.circuit_of(one) is circuits.circuit_of(one)
    assert circuits.circuit_of(one) is not circuits.circuit_of(other)
