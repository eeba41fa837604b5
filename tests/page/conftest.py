"""What the page's tests share: Chromium, the built page on a host that counts, photographs."""

import base64
import functools
import http.server
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from photographs import write_photographs

DIST = Path(__file__).resolve().parents[2] / "dist"
PROBE = Path(__file__).with_name("probe.js").read_text()
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PIECE = 1 << 24  # bytes of pixels handed over at a time
# Collects tasks of the main thread that keep the page from answering.
LONG_TASKS = """
self.longTasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) self.longTasks.push(entry.duration);
}).observe({ type: "longtask", buffered: true });
"""


class Host:
    """A static host of a folder on loopback that counts what it sends."""

    def __init__(self, folder):
        host = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def copyfile(self, source, target):
                content = source.read()
                host.sent.append((self.path, len(content)))
                target.write(content)

        self.sent = []  # [(path, bytes of the body)]
        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="session")
def built():
    """The folder that `make page` makes."""
    assert (DIST / "page" / "index.html").exists(), "expected dist/page; make it by: make page"
    return DIST


@pytest.fixture(scope="session")
def chromium():
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert path, "expected Chromium; install it by: apt-get install --yes chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    write_photographs(folder)
    return folder


@pytest.fixture
def host(built):
    host = Host(built / "page")
    yield host
    host.close()


@pytest.fixture
def visit(chromium, host):
    """Function that opens the page, as on a first visit, and returns the Playwright page."""
    contexts = []

    def visited(address=host.address, **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(120_000)
        context.add_init_script(LONG_TASKS)
        page = context.new_page()
        page.goto(address)
        return page

    yield visited
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def pixels_of(chromium, built):
    """Function from a file to ((height, width, 4) pixels as the page colors them, exact)."""
    host = Host(built / "page")
    page = chromium.new_page()
    page.set_default_timeout(120_000)
    page.goto(host.address)
    page.evaluate(
        "() => document.body.insertAdjacentHTML('beforeend', '<input type=file id=probe>')"
    )

    def pixels(path):
        page.set_input_files("#probe", path)
        made = page.evaluate(PROBE)
        size = made["width"] * made["height"] * 4
        take = """([start, stop]) => {
          const bytes = self.pixels.subarray(start, stop);
          let text = "";
          for (let i = 0; i < bytes.length; i += 30000)
            text += String.fromCharCode(...bytes.subarray(i, i + 30000));
          return btoa(text);
        }"""
        pieces = [
            base64.b64decode(page.evaluate(take, [start, min(size, start + PIECE)]))
            for start in range(0, size, PIECE)
        ]
        shape = made["height"], made["width"], 4
        return np.frombuffer(b"".join(pieces), np.uint8).reshape(shape), made["exact"]

    yield pixels
    page.close()
    host.close()
