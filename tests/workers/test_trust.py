"""Trust: a request begins only while the lease is known to be held."""

import threading

from s3mover.workers.trust import Trust, TrustedPace


def test_trust_is_endless_until_it_is_limited() -> None:
    """A crew without a lease to lose is never held up."""
    Trust(lambda: 1e12).wait()


def test_what_is_not_trusted_waits_until_it_is() -> None:
    """Once trust has ended no request begins; extending it wakes those that wait."""
    now = [10.0]
    trust = Trust(lambda: now[0])
    trust.extend(12.0)
    pace = TrustedPace(0, trust)
    pace.take()
    now[0] = 12.0
    passed = threading.Event()

    def ask() -> None:
        pace.take()
        passed.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert not passed.wait(0.05)
    trust.extend(14.0)
    asking.join(30)
    assert passed.is_set()
