"""The image, built once for all tests that run it."""

from collections.abc import Iterator

import pytest

from tests.deploy.container_engine import ContainerEngine, engine, missing
from tests.endtoend.conftest import simulator, world

__all__ = ["containers", "demo_image", "image", "simulator", "world"]


@pytest.fixture(scope="session")
def containers() -> Iterator[ContainerEngine]:
    """An engine with the base image in its storage."""
    if why := missing():
        pytest.fail(why, pytrace=False)
    with engine() as running:
        running.make_base()
        yield running


@pytest.fixture(scope="session")
def image(containers: ContainerEngine) -> str:
    """The image of the daemon."""
    return containers.build("s3mover")


@pytest.fixture(scope="session")
def demo_image(containers: ContainerEngine) -> str:
    """The image of the demo's S3 server."""
    return containers.build("demo")
