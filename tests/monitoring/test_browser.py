"""The status page in a real browser, of a real daemon: idle, in a sweep, after failures, on a phone, in dark mode."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

from testkit.waiting import TOO_LONG, wait_until
from testkit.world import SOURCE
from tests.monitoring.conftest import Watched, watched

NASTY = "open/<img src=x onerror=alert(1)>"
DECEIVING = "open/\u202efdp.exe"
BELL = "open/\x07bell"
CODE = "QuotaExceeded"
PHONE = {"width": 390, "height": 844}
# Also between the attempts, while objects that failed wait.
AT_REST = "3 objects could not be moved"
DESK = {"width": 1280, "height": 900}
# The minimum for readable text (WCAG 2.2, success criterion 1.4.3, level AA), for text of usual size.
LEAST_CONTRAST = 4.5
TOO_LONG_MS = TOO_LONG * 1000


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Return a daemon with hundreds of objects that were moved both ways, and some that fail again and again."""
    with watched(tmp_path_factory.mktemp("daemon")) as running:
        s3 = running.world.s3
        for key in ("open/<img*", "open/?fdp.exe", "open/?bell"):
            s3.add_fault("refusal", key=key, code=CODE, status=403, message="<b>try</b> again")
        for key in (NASTY, DECEIVING, BELL):
            s3.put_object(SOURCE, key, b"x")
        s3.fill(SOURCE, 300, size=30_000, prefix="open/")
        s3.fill(SOURCE, 100, size=20_000, prefix="secret/")
        wait_until(lambda: _is_at_rest(running), "all but what fails is moved")
        yield running


def _is_at_rest(running: Watched) -> bool:
    sweeps = running.status()["sweeps"]
    # Any of the sweeps shown: objects that failed twice wait, so there may be only one such sweep.
    return any(sweep["succeeded"] == 0 and sweep["failed"] == 3 for sweep in sweeps)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Debian's Chromium, without a window."""
    expect.set_options(timeout=TOO_LONG_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"], timeout=TOO_LONG_MS
        )
        yield chromium
        chromium.close()


class Visit:
    """A visit to the page that records console messages, errors, dialogs and requests."""

    def __init__(self, context: BrowserContext, daemon: Watched) -> None:
        context.set_default_timeout(TOO_LONG_MS)
        self.page: Page = context.new_page()
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(daemon.url)

    def _dismiss(self, dialog: Dialog) -> None:
        self.messages.append(dialog.message)
        dialog.dismiss()

    def await_answers(self, number: int) -> None:
        """Wait for this number of updates; all but the last are applied by then."""
        for _ in range(number):
            with self.page.expect_response(lambda answer: answer.url == self.page.url):
                continue

    def assert_clean(self, daemon: Watched) -> None:
        """Assert that there were no messages, and no requests to other hosts."""
        assert self.messages == []
        foreign = [url for url in self.requests if not url.startswith((daemon.url, "data:"))]
        assert foreign == []


@contextmanager
def visiting(
    browser: Browser,
    daemon: Watched,
    size: dict[str, int] | None = None,
    *,
    dark: bool = False,
    javascript: bool = True,
) -> Iterator[Visit]:
    """Open the page of the daemon."""
    context = browser.new_context(
        viewport={**DESK, **(size or {})},  # type: ignore[arg-type]
        color_scheme="dark" if dark else "light",
        java_script_enabled=javascript,
    )
    try:
        visit = Visit(context, daemon)
        yield visit
        visit.assert_clean(daemon)
    finally:
        context.close()


def test_failures_are_shown_with_advice(browser: Browser, daemon: Watched) -> None:
    """The headline counts them, each is shown with its key, and the advice is shown once."""
    with visiting(browser, daemon) as visit:
        page = visit.page
        expect(page.get_by_role("heading", level=1)).to_have_text(AT_REST)
        expect(page.locator("#failures article")).to_have_count(1)
        expect(page.locator("#failures .advice")).to_contain_text("Free space there")
        assert "<b>try</b> again" in page.locator("#failures").inner_text()
        expect(page.locator("#hour svg[role=img]")).to_be_visible()
        history = daemon.status()["history"]
        copied, streamed = (f"{sum(history[method]):,}" for method in ("server_side_copy", "streaming"))
        expect(page.locator("#hour .legend li").nth(0)).to_contain_text(f"server-side copy {copied}")
        expect(page.locator("#hour .legend li").nth(1)).to_contain_text(f"streaming {streamed}")


def test_a_hostile_key_is_only_text(browser: Browser, daemon: Watched) -> None:
    """It creates no element and runs nothing, on load and after updates."""
    with visiting(browser, daemon) as visit:
        visit.await_answers(2)
        keys = visit.page.locator("#failures .key").all_inner_texts()
        assert set(keys) == {NASTY, "open/\\u202efdp.exe", "open/\\x07bell"}
        assert visit.page.locator("img").count() == 0


def test_foreign_scripts_and_styles_do_not_run(browser: Browser, daemon: Watched) -> None:
    """The policy blocks what is not part of the page."""
    with visiting(browser, daemon) as visit:
        visit.page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "document.title = 'taken'";
                document.body.append(script);
                const button = document.createElement("p");
                button.setAttribute("onclick", "document.title = 'taken'");
                document.body.append(button);
                button.click();
            }"""
        )
        assert visit.page.title() != "taken"
        assert len(visit.messages) == 2
        assert all("Content Security Policy" in message for message in visit.messages)
        visit.messages.clear()


def test_the_page_updates_itself(browser: Browser, daemon: Watched) -> None:
    """Without a reload the page follows a sweep: its progress, its counts, and its end."""
    s3 = daemon.world.s3
    with visiting(browser, daemon) as visit:
        page = visit.page
        page.evaluate("window.isStillTheSame = true")
        held = s3.add_fault("hold", operation="CopyObject", key="more/*")
        s3.fill(SOURCE, 1_200, size=10_000, prefix="more/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Moving objects")
        expect(page.get_by_role("progressbar")).to_be_visible()
        assert page.title() == "Moving objects · s3mover"
        s3.clear_faults(held)
        expect(page.get_by_role("heading", level=1)).to_have_text(AT_REST)
        expect(page.locator("#sweeps")).to_contain_text("1,200")
        assert page.evaluate("window.isStillTheSame") is True


def test_selected_text_is_not_replaced(browser: Browser, daemon: Watched) -> None:
    """A selected key is not replaced by the next update."""
    with visiting(browser, daemon) as visit:
        page = visit.page
        page.evaluate("getSelection().selectAllChildren(document.querySelector('.key'))")
        selected = page.evaluate("getSelection().toString()")
        visit.await_answers(2)
        assert selected
        assert page.evaluate("getSelection().toString()") == selected


def test_the_page_is_complete_without_javascript(browser: Browser, daemon: Watched) -> None:
    """Everything is there from the start, and the page asks to be loaded again."""
    with visiting(browser, daemon, javascript=False) as visit:
        expect(visit.page.get_by_role("heading", level=1)).to_have_text(AT_REST)
        expect(visit.page.locator("#failures .key")).to_have_count(3)
        expect(visit.page.locator("#hour svg[role=img]")).to_be_visible()
        expect(visit.page.locator("noscript meta[http-equiv=refresh]")).to_have_attribute("content", "10")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_a_phone(browser: Browser, daemon: Watched, *, dark: bool) -> None:
    """Nothing is cut off or scrolls sideways."""
    with visiting(browser, daemon, PHONE, dark=dark) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        expect(visit.page.locator("#failures .key").first).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_has_contrast(browser: Browser, daemon: Watched, *, dark: bool) -> None:
    """Each text has a contrast of at least 4.5 to 1, in light and dark mode."""
    with visiting(browser, daemon, dark=dark) as visit:
        pairs = visit.page.evaluate(
            """() => {
                const ground = (element) => {
                    const own = getComputedStyle(element).backgroundColor;
                    return own !== "rgba(0, 0, 0, 0)" ? own : ground(element.parentElement);
                };
                const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                const pairs = {};
                while (walker.nextNode()) {
                    const element = walker.currentNode.parentElement;
                    const text = walker.currentNode.data.trim();
                    if (!text || element.closest("script, style, svg, progress, [hidden]")) continue;
                    pairs[getComputedStyle(element).color + "/" + ground(element)] = text;
                }
                return pairs;
            }"""
        )
    assert len(pairs) >= 4
    for colours, text in pairs.items():
        assert contrast(*colours.split("/")) >= LEAST_CONTRAST, (colours, text)


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, written `rgb(1, 2, 3)` (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(","))
    return sum(
        weight * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
        for weight, part in ((0.2126, red), (0.7152, green), (0.0722, blue))
    )


def test_the_page_is_accessible(browser: Browser, daemon: Watched) -> None:
    """A screen reader finds the headline as a status, headings, table headers, and labelled charts."""
    with visiting(browser, daemon) as visit:
        page = visit.page
        expect(page.get_by_role("status")).to_have_text(AT_REST)
        assert page.get_by_role("heading", level=2).all_inner_texts() == [
            "The last hour",
            "Latest failures",
            "Latest sweeps",
        ]
        assert page.get_by_role("columnheader").count() == 7
        assert "objects per second" in (page.get_by_role("img").first.get_attribute("aria-label") or "")


def test_the_page_shows_that_the_daemon_has_ended(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The page keeps its content and shows that s3mover is not responding."""
    with watched(tmp_path_factory.mktemp("ending")) as running:
        context = browser.new_context()
        page = context.new_page()
        page.goto(running.url)
        expect(page.get_by_role("heading", level=1)).to_have_text("Up to date")
        running.process.terminate()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        context.close()
