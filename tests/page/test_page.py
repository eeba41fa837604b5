"""The page in Chromium, as a person uses it."""

import io
import subprocess
import zipfile

import numpy as np
import pytest
from conftest import Host
from PIL import Image

from colornet import Colorizer
from colornet.pictures.opening import open_picture
from photographs import CAMERA, MODEL, ORIENTATION, SAMPLES

MOST_BYTES = 10_000_000  # over the wire on a first visit
LONGEST_TASK = 100  # milliseconds of the page's own thread


def give(page, *paths):
    page.set_input_files("#files", [str(path) for path in paths])


def status(page, text):
    """Wait until the status line says a text."""
    page.locator("#status", has_text=text).wait_for()


def saved(page, button="#save"):
    """(name, bytes) of what a button saves."""
    with page.expect_download() as download:
        page.click(button)
    return download.value.suggested_filename, download.value.path().read_bytes()


def open_saved(content):
    return Image.open(io.BytesIO(content))


def test_a_photograph_is_colored_shown_and_saved(visit, photographs):
    page = visit()
    give(page, photographs / "coffee.png")
    status(page, "1 of 1 colored")
    page.locator("#viewer").wait_for()
    assert page.inner_text("#name") == "coffee.png"
    assert "600 × 400" in page.inner_text("#facts") and "%" in page.inner_text("#facts")
    name, content = saved(page)
    assert name == "coffee.colored.png"
    expected = Colorizer().colorize(open_picture(photographs / "coffee.png").pixels)
    assert np.abs(np.asarray(open_saved(content)).astype(int) - expected).max() <= 2


def test_strength_zero_is_gray_and_the_rest_follows_it(visit, photographs):
    page = visit()
    give(page, photographs / "coffee.png")
    page.locator("#viewer").wait_for()
    chroma = {}
    for strength in (0, 100, 200):
        page.locator("#strength").fill(str(strength))
        assert page.inner_text("#strength-shown") == f"{strength} %"
        pixels = np.asarray(open_saved(saved(page)[1])).astype(int)
        chroma[strength] = np.ptp(pixels, axis=-1).mean()
    assert chroma[0] < 1 < chroma[100] < chroma[200]


@pytest.mark.parametrize("ending, kind", [("jpg", "JPEG"), ("webp", "WEBP"), ("png", "PNG")])
def test_metadata_stays_and_says_that_colors_were_computed(visit, tmp_path, ending, kind):
    exif = Image.Exif()
    exif[ORIENTATION], exif[MODEL] = 6, CAMERA
    path = tmp_path / f"Großmutter.{ending}"
    Image.linear_gradient("L").resize((300, 200)).convert("RGB").save(
        path, exif=exif, dpi=(300, 300)
    )
    page = visit()
    give(page, path)
    page.locator("#viewer").wait_for()
    name, content = saved(page)
    image = open_saved(content)
    image.load()
    assert name == f"Großmutter.colored.{ending}"
    assert image.format == kind and image.size == (200, 300)
    assert image.getexif()[MODEL] == CAMERA and image.getexif()[ORIENTATION] == 1
    assert b"DigitalSourceType" in (
        image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
    )
    if kind != "WEBP":
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_what_cannot_be_opened_is_named_in_a_line(visit, photographs, tmp_path):
    whole = (photographs / "turned.jpg").read_bytes()
    (tmp_path / "damaged.jpg").write_bytes(whole[:300])
    (tmp_path / "letter.txt").write_text("Dear page")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("1", (10_001, 5_000)).save(tmp_path / "huge.png")
    page = visit()
    give(page, *tmp_path.iterdir(), photographs / "coffee.png")
    status(page, "1 of 1 colored")
    page.locator("#problems li").nth(3).wait_for()
    lines = dict(line.split(": ", 1) for line in page.locator("#problems li").all_inner_texts())
    assert set(lines) == {"damaged.jpg", "letter.txt", "empty.png", "huge.png"}
    assert "cannot open it" in lines["damaged.jpg"] and "cannot open it" in lines["letter.txt"]
    assert "empty" in lines["empty.png"] and "50 million" in lines["huge.png"]


@pytest.fixture
def twenty(photographs, tmp_path):
    """A folder of 20 photographs."""
    for number in range(20):
        image = Image.open(photographs / f"{SAMPLES[number % 5]}.png")
        image.resize((1200, 800)).convert("RGB").save(tmp_path / f"{number:02}.jpg")
    return tmp_path


def test_twenty_files_at_once(visit, twenty):
    page = visit()
    page.set_input_files("#folder", str(twenty))
    status(page, "20 of 20 colored")
    page.locator("#photographs button").nth(7).click()
    page.locator("#name", has_text="07.jpg").wait_for()
    name, content = saved(page, "#save-all")
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None and name.endswith(".zip")
    names = [f"{twenty.name}/{number:02}.colored.jpg" for number in range(20)]
    assert sorted(archive.namelist()) == names
    assert open_saved(archive.read(names[3])).size == (1200, 800)


def test_the_page_answers_while_it_colors_twenty_files(visit, twenty):
    """The best of three visits, as other work on the machine makes tasks longer."""
    longest = []
    while not longest or (min(longest) > LONGEST_TASK and len(longest) < 3):
        page = visit()
        page.set_input_files("#folder", str(twenty))
        status(page, "20 of 20 colored")
        page.locator("#photographs button").nth(7).click()
        page.locator("#name", has_text="07.jpg").wait_for()
        longest.append(max(page.evaluate("() => self.longTasks"), default=0))
    print(f"longest task of the page's thread: {longest} ms")
    assert min(longest) <= LONGEST_TASK


def test_one_visit_asks_one_host_and_fits_ten_megabytes(visit, host, photographs):
    page = visit("about:blank")
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto(host.address)
    give(page, photographs / "portrait.jpg", photographs / "coffee.png")
    status(page, "2 of 2 colored")
    saved(page, "#save-all")
    others = [url for url in asked if not url.startswith((host.address, "blob:", "data:"))]
    total = sum(size for _, size in host.sent)
    print(f"{len(host.sent)} requests, {total:,} bytes")
    assert not others
    assert total <= MOST_BYTES


def test_another_host_cannot_be_asked_from_the_page_or_its_worker(visit, built):
    other = Host(built / "page")
    page = visit()
    ask = f"fetch('{other.address}', {{ mode: 'no-cors' }}).then(() => 'asked', () => 'refused')"
    assert page.evaluate(f"() => {ask}") == "refused"
    worker = f"{ask}.then(postMessage)"
    answer = page.evaluate(
        """(script) => new Promise((resolve) => {
          const worker = new Worker(URL.createObjectURL(new Blob([script])));
          worker.onmessage = ({ data }) => resolve(data);
        })""",
        worker,
    )
    assert answer == "refused" and other.sent == []
    other.close()


def test_a_second_visit_needs_no_connection(visit, host, photographs):
    page = visit()
    give(page, photographs / "coffee.png")
    status(page, "1 of 1 colored")
    page.context.set_offline(True)
    host.sent.clear()
    page.reload()
    give(page, photographs / "camera.png")
    status(page, "1 of 1 colored")
    assert host.sent == []


def test_every_control_is_reached_and_used_by_keyboard(visit, photographs):
    page = visit()
    give(page, photographs / "coffee.png", photographs / "camera.png")
    status(page, "2 of 2 colored")
    page.locator("#viewer").wait_for()
    wanted = {"choose-files", "choose-folder", "split", "painting", "strength", "save", "save-all"}
    found, buttons = set(), 0
    for _ in range(len(wanted) + 2):
        page.keyboard.press("Tab")
        found.add(page.evaluate("() => document.activeElement.id"))
        buttons += page.evaluate("() => document.activeElement.closest('#photographs') !== null")
        outline = page.evaluate(
            """() => [document.activeElement, document.activeElement.parentElement]
                  .map((element) => getComputedStyle(element).outlineStyle)"""
        )
        assert "solid" in outline
    assert found - {""} == wanted and buttons == 2
    page.focus("#split")
    page.keyboard.press("End")
    assert page.get_attribute("#split", "aria-valuetext") == "100 % as it was"
    page.focus("#strength")
    page.keyboard.press("Home")
    assert page.inner_text("#strength-shown") == "0 %"
    page.locator("#photographs button").nth(1).press("Enter")
    page.locator("#name", has_text="coffee.png").wait_for()
    with page.expect_download() as download:
        page.locator("#save").press("Enter")
    assert download.value.suggested_filename == "coffee.colored.png"


def test_a_reader_of_the_screen_hears_what_things_are(visit, photographs):
    page = visit()
    give(page, photographs / "coffee.png")
    page.locator("#viewer").wait_for()
    assert page.locator("html").get_attribute("lang") == "en"
    for role, name in (
        ("button", "Choose photographs"), ("button", "Save"), ("slider", "Color strength"),
        ("slider", "Part of the photograph"), ("img", "In color"), ("heading", "coffee.png"),
    ):  # fmt: skip
        assert page.get_by_role(role, name=name, exact=False).first.is_visible(), name
    assert page.get_by_role("status").inner_text() == "1 of 1 colored"


def draw(page, color, *places):
    """Draw a stroke through places, as shares of the photograph's width and height."""
    page.fill("#paint-color", color)
    box = page.locator("#strokes").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()


@pytest.mark.parametrize("name", ("coffee.png", "mounted.png", "wide.png"))
def test_strokes_color_what_they_do_on_the_command_line(visit, photographs, name):
    pytest.importorskip("colornet.coloring.hints")
    page = visit(viewport={"width": 1200, "height": 1100})
    give(page, photographs / name)
    page.locator("#viewer").wait_for()
    page.click("#painting")
    draw(page, "#c04030", (0.3, 0.3), (0.5, 0.4))
    draw(page, "#3060c0", (0.8, 0.7), (0.7, 0.8), (0.8, 0.8))
    strokes_name, strokes = saved(page, "#paint-save")
    assert strokes_name == name.replace(".png", ".strokes.png")
    hints = np.asarray(open_saved(strokes))
    pixels = open_picture(photographs / name).pixels
    assert max(hints.shape) == min(800, max(pixels.shape))
    expected = Colorizer().colorize(pixels, hints=hints)
    difference = np.abs(np.asarray(open_saved(saved(page)[1])).astype(int) - expected)
    print(f"{name}: at most {difference.max()}, {np.mean(difference <= 1):.4%} within 1")
    assert difference.max() <= 2 and np.mean(difference <= 1) >= 0.995
    page.click("#paint-undo")
    page.click("#paint-undo")
    plain = np.asarray(open_saved(saved(page)[1])).astype(int)
    assert np.abs(plain - Colorizer().colorize(pixels)).max() <= 2
    assert np.abs(plain - expected).max() > 20


def test_strokes_are_painted_by_keyboard(visit, photographs):
    page = visit()
    give(page, photographs / "coffee.png")
    page.locator("#viewer").wait_for()
    before = saved(page)[1]
    page.locator("#painting").press("Enter")
    for control in ("strokes", "paint-color", "paint-gray", "paint-width"):
        page.focus(f"#{control}")
        assert page.evaluate("() => document.activeElement.id") == control
    page.locator("#paint-gray").press("Enter")
    page.focus("#strokes")
    for key in ("ArrowLeft", "ArrowDown", " "):
        page.keyboard.press(key)
    assert saved(page)[1] != before
    page.locator("#paint-undo").press("Enter")
    assert saved(page)[1] == before


def test_files_are_pasted_and_dropped(visit, photographs):
    page = visit()
    give_by = """([kind, place, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, { type: "image/png" }));
      const event = kind === "paste"
        ? new ClipboardEvent(kind, { clipboardData: data, bubbles: true })
        : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
      document.querySelector(place).dispatchEvent(event);
    }"""
    content = list((photographs / "one.png").read_bytes())
    page.evaluate(give_by, ["paste", "body", content])
    page.evaluate(give_by, ["drop", "#drop", content])
    status(page, "2 of 2 colored")
    assert page.locator("#photographs .label").all_inner_texts() == ["paste.png", "drop.png"]


@pytest.mark.parametrize("width", (320, 390, 1280))
def test_nothing_is_cut_off_on_a_narrow_screen(visit, photographs, width):
    page = visit(viewport={"width": width, "height": 800})
    give(page, photographs / "wide.png", photographs / "one.png", photographs / "portrait.jpg")
    status(page, "3 of 3 colored")
    page.locator("#viewer").wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_the_single_file_works_from_disk(visit, built, photographs):
    page = visit((built / "colorize.html").as_uri())
    give(page, photographs / "coffee.png", photographs / "turned.jpg")
    status(page, "2 of 2 colored")
    name, content = saved(page)
    assert name == "coffee.colored.png" and open_saved(content).size == (600, 400)


def test_an_unknown_setting_of_the_network_is_refused(built):
    folder = built.parent / "web"
    script = (
        """import("./coloring/recipe.js").then(({ readRecipe }) => readRecipe({ sharpening: 2 }))"""
    )
    done = subprocess.run(["node", "--eval", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode and "a setting that this page does not know: sharpening" in done.stderr
