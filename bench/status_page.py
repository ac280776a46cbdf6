"""The picture of the status page in the README, taken of a real daemon that has worked for a while.

`python -m bench.status_page [--minutes 50] [--folder docs]` moves documents that keep arriving, both ways, with a few
failures, then writes `status-page.png`; with `--all` also `status-page-dark.png` and `status-page-phone.png`.
Needs Debian's Chromium.
"""

import argparse
import math
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from simulator import Simulator
from testkit.ports import reserved_port
from testkit.program import daemon
from testkit.waiting import wait_until
from testkit.world import SOURCE, World, make_world

SEALED = "contracts/2025/sealed-"
STREAMED = "personnel/"
SMALL, LARGE = 40_000, 1_500_000
# Documents arrive in waves, so that the chart has hills and valleys.
WAVE_SECONDS = 420.0
LOOKS: dict[str, dict[str, Any]] = {
    "status-page": {"viewport": {"width": 1080, "height": 1000}, "color_scheme": "light"},
    "status-page-dark": {"viewport": {"width": 1080, "height": 1000}, "color_scheme": "dark"},
    "status-page-phone": {"viewport": {"width": 390, "height": 1600}, "color_scheme": "light"},
}


def main() -> None:
    """Run the daemon and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=50.0)
    parser.add_argument("--folder", type=Path, default=Path("docs"))
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, working_daemon(Path(folder)) as (world, url):
        arrive(world, options.minutes * 60)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            for name in LOOKS if options.all else ["status-page"]:
                take(chromium, world, url, options.folder / f"{name}.png", LOOKS[name])
            chromium.close()


@contextmanager
def working_daemon(folder: Path) -> Iterator[tuple[World, str]]:
    """Yield two buckets and a daemon's address; `personnel/` permits no copies, sealed contracts no reads."""
    with Simulator() as s3, reserved_port() as port:
        world = make_world(s3)
        world.permit_copies(except_below=(STREAMED,))
        for operation in ("CopyObject", "GetObject"):
            s3.add_fault("refusal", operation=operation, key=f"{SEALED}*", code="AccessDenied", status=403)
        settings = {
            **world.environment,
            "S3MOVER_HTTP__HOST": "127.0.0.1",
            "S3MOVER_HTTP__PORT": str(port),
            "S3MOVER_SWEEP__INTERVAL": "15s",
            "S3MOVER_SWEEP__RETRY_WAIT_LONGEST": "2m",
        }
        with daemon(settings, folder) as running:
            running.await_event("sweep.finished")
            for number in (1, 2, 3):
                s3.put_object(SOURCE, f"{SEALED}{number:03}.pdf", b"sealed")
            yield world, f"http://127.0.0.1:{port}/"


def arrive(world: World, seconds: float) -> None:
    """Put documents into the source bucket, more and fewer in turn, for so long."""
    chance = random.Random(2025)  # noqa: S311 - a picture, no secret
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        wave = 1.2 + math.sin(passed * 2 * math.pi / WAVE_SECONDS)
        put(world, f"{passed:08.1f}", round(chance.uniform(10, 150) * wave))
        time.sleep(5)


def put(world: World, batch: str, number: int) -> None:
    """Put `number` documents to be copied, and half as many to be streamed."""
    world.s3.fill(SOURCE, number, size=LARGE, prefix=f"contracts/{batch}/")
    world.s3.fill(SOURCE, number // 2, size=SMALL, prefix=f"{STREAMED}{batch}/")


def take(chromium: Browser, world: World, url: str, path: Path, look: dict[str, Any]) -> None:
    """Take a picture in the middle of a sweep."""
    page = chromium.new_context(**look).new_page()
    page.goto(url)
    world.s3.set_latency(CopyObject=1.5)
    put(world, f"picture-{path.stem}", 1200)
    wait_until(lambda: is_in_full_swing(page), "a sweep has moved many objects")
    page.screenshot(path=path)
    world.s3.set_latency()
    page.close()


def is_in_full_swing(page: Page) -> bool:
    """Return whether the page shows a sweep that has moved some hundred objects."""
    heading, moved = page.locator("h1").inner_text(), page.locator("dd").first.inner_text()
    return heading == "Moving objects" and moved.isdecimal() and int(moved) >= 300


if __name__ == "__main__":
    main()
