"""Which files' tests run in one and the same process: what they share is dear to make, images and browsers above all.

As a scheduler and not as marks: pytest-xdist hands those on in test ids, which newer versions of pytest do not let it
change.
"""

from xdist.scheduler import LoadGroupScheduling

GROUPS = {
    "tests/demo/test_documents.py": "documents",
    "tests/demo/test_server.py": "demo",
    "tests/demo/test_service.py": "demo",
    "tests/deploy/test_image.py": "image",
    "tests/deploy/test_installed.py": "image",
    "tests/monitoring/test_browser.py": "browser",
    "tests/monitoring/test_prometheus.py": "prometheus",
}


class Together(LoadGroupScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a group of files to one process, and every other test to whichever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return GROUPS.get(nodeid.partition("::")[0], nodeid)
