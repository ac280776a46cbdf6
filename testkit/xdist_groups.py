"""Which test files run in one process, because what they share is expensive to make: images, browsers, servers.

A scheduler instead of the marks of pytest-xdist: it passes those on in test ids, which newer versions of pytest do not
let it change.
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


class GroupScheduling(LoadGroupScheduling):  # type: ignore[misc]  # xdist has no types
    """Sends a group of files to one process, and every other test to any free process."""

    def _split_scope(self, nodeid: str) -> str:
        return GROUPS.get(nodeid.partition("::")[0], nodeid)
