"""Films through the script's `main`: what is kept, what is colored, and what is said."""

import os
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image
from skimage import color, data

import tiny
from colornet.films import frames, kinds, shots
from colornet.films.ahead import ahead
from colornet.films.steadying import Steadying
from colornet.progress import progress
from films_made import decoded, packets, panned, rgb, scene, times, view, with_more, write


def ab_of(frame):
    return color.rgb2lab(rgb(frame))[..., 1:]


def chroma_of(frame):
    return np.hypot(*np.moveaxis(ab_of(frame), -1, 0)).mean()


def assert_luma_kept(source, target):
    before, after = decoded(source), decoded(target)
    assert len(before) == len(after)
    for one, other in zip(before, after):
        assert np.array_equal(view(one, 0), view(other, 0))


# --- What is kept -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pixel_format, size, attributes",
    [
        ("yuv420p", (64, 48), {}),
        ("yuv420p", (63, 47), {}),
        ("yuv422p", (64, 48), {"colorspace": 1, "color_range": 1}),
        ("yuv444p", (33, 20), {"colorspace": 9}),
        ("yuv420p", (64, 48), {"color_range": 2, "colorspace": 5}),
        ("yuv420p10le", (64, 48), {"colorspace": 1}),
        ("yuv420p10le", (65, 49), {"color_range": 2}),
        ("gray", (64, 48), {}),
        ("gray10le", (64, 48), {}),
    ],
)
def test_luma_and_times_are_kept_bit_for_bit(run, pixel_format, size, attributes):
    planes = panned(5, width=size[0], height=size[1])
    deep = "10" in pixel_format
    planes = [plane.astype(np.uint16) * 4 + 3 if deep else plane for plane in planes]
    write("a.mkv", planes, pixel_format=pixel_format, **attributes)
    assert run("a.mkv", "-o", "b.mkv", "--codec", "ffv1") == 0
    assert_luma_kept("a.mkv", "b.mkv")
    assert times("a.mkv") == times("b.mkv")
    before, after = decoded("a.mkv")[0], decoded("b.mkv")[0]
    assert chroma_of(after) > 1
    if "gray" not in pixel_format:
        assert after.format.name == before.format.name
        assert (after.color_range, after.colorspace) == (before.color_range, before.colorspace)
    else:
        assert (after.format.components[0].bits, after.color_range) == (10 if deep else 8, 2)


def test_rgb_becomes_video(run):
    pixels = np.asarray(tiny.photograph(64, 48))
    with av.open("a.mkv", "w") as film:
        stream = film.add_stream("ffv1", 25, width=64, height=48, pix_fmt="bgr0")
        for _ in range(3):
            film.mux(
                stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="bgr0"))
            )
        film.mux(stream.encode())
    assert run("a.mkv", "-o", "b.mp4") == 0
    after = decoded("b.mp4")
    lightness = color.rgb2lab(pixels)[..., 0]
    assert len(after) == 3 and after[0].colorspace == 1
    assert np.abs(color.rgb2lab(rgb(after[0]))[..., 0] - lightness).mean() < 4


@pytest.mark.parametrize("size", [(64, 48), (63, 48), (64, 47), (63, 47)])
def test_h264_of_any_size(run, size):
    write("a.mkv", panned(3, width=size[0], height=size[1]))
    assert run("a.mkv", "-o", "out") == 0
    (frame, *_) = after = decoded("out/a.mkv")
    assert len(after) == 3 and (frame.width, frame.height) == size
    assert (
        np.abs(view(frame, 0).astype(int) - panned(1, width=size[0], height=size[1])[0]).mean() < 3
    )


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_variable_frame_rate(run, ending):
    ticks = [0, 40, 50, 130, 131, 500, 540]
    write(f"a.{ending}", panned(7), "libx264", times=ticks, time_base=Fraction(1, 1000))
    assert run(f"a.{ending}", "-o", f"b.{ending}") == 0
    assert times(f"b.{ending}") == times(f"a.{ending}") == [Fraction(t, 1000) for t in ticks]


def test_pixel_aspect_and_rotation(run):
    write("a.mp4", panned(3), "libx264", rotation=90, sample_aspect_ratio=Fraction(16, 11))
    assert run("a.mp4", "-o", "b.mp4") == 0
    with av.open("b.mp4") as film:
        assert film.streams.video[0].sample_aspect_ratio == Fraction(16, 11)
    assert decoded("b.mp4")[0].rotation == 90


def test_the_network_sees_a_turned_film_upright(run):
    upright = [scene(48, 48)] * 2
    write("up.mkv", upright, pixel_format="yuv444p")
    turned = [np.rot90(plane, -1).astype(np.uint16) * 4 for plane in upright]
    write("turned.mov", turned, "prores_ks", pixel_format="yuv444p10le", rotation=90)
    assert run("up.mkv", "-o", "up", "--codec", "ffv1") == 0
    assert run("turned.mov", "-o", "turned.mkv", "--codec", "ffv1") == 0
    before, after = (ab_of(decoded(path)[0]) for path in ("up/up.mkv", "turned.mkv"))
    assert np.abs(np.rot90(after) - before).mean() < 1 < np.abs(after - before).mean()


def test_sound_subtitles_chapters_and_tags_are_copied(run):
    chapter = dict(id=1, start=0, end=200, time_base=Fraction(1, 1000), metadata={"title": "One"})
    write("a.mp4", panned(12), "libx264", sound=True, tags={"title": "A film", "artist": "Nobody"},
          chapters=[chapter])  # fmt: skip
    assert run("a.mp4", "-o", "b.mp4") == 0
    assert packets("a.mp4", "audio") == packets("b.mp4", "audio")
    assert times("a.mp4") == times("b.mp4")
    with av.open("a.mp4") as before, av.open("b.mp4") as after:
        assert after.metadata["title"] == "A film" and after.metadata["artist"] == "Nobody"
        assert [c["metadata"]["title"] for c in after.chapters()] == ["One"]
        assert before.duration == after.duration
        assert [s.type for s in after.streams][:2] == ["video", "audio"]


@pytest.mark.parametrize(
    "ending, codec, texts",
    [("mkv", "subrip", [b"One", b"Two"]), ("mp4", "mov_text", [b"\0\3One", b"\0\3Two"])],
)
def test_subtitles_are_copied(run, capfd, ending, codec, texts):
    write(f"plain.{ending}", panned(10), "libx264", sound=True)
    with_more(f"plain.{ending}", f"a.{ending}", codec, texts, every=200)
    assert run(f"a.{ending}", "-o", f"b.{ending}") == 0
    for kind in ("subtitles", "audio"):
        before, after = packets(f"a.{ending}", kind), packets(f"b.{ending}", kind)
        assert [p for p in after if len(p[1]) > 2] == [p for p in before if len(p[1]) > 2]
    if ending == "mkv":
        assert run("a.mkv", "-o", "c.mp4") == 1
        assert "give an output that ends in .mkv" in capfd.readouterr().err
    else:
        assert run("a.mp4", "-o", "c.mkv") == 0
        assert "left out: subtitle stream 2 (mov_text)" in capfd.readouterr().err


def test_cover_is_kept(run):
    tiny.photograph(32, 32).save("cover.jpg")
    write("plain.mp4", panned(3), "libx264")
    cover = av.stream.Disposition.attached_pic
    with_more("plain.mp4", "a.mp4", "mjpeg", [open("cover.jpg", "rb").read()],
              width=32, height=32, disposition=cover)  # fmt: skip
    for made in ("b.mp4", "b.mkv"):
        assert run("a.mp4", "-o", made) == 0
        with av.open(made) as film:
            assert [bool(stream.disposition & cover) for stream in film.streams] == [False, True]


def test_silent_film(run):
    write("a.mp4", panned(3), "libx264")
    assert run("a.mp4", "-o", "b.mp4") == 0
    with av.open("b.mp4") as film:
        assert [stream.type for stream in film.streams] == ["video"]


def test_film_without_times(run):
    write("a.h264", panned(6), "libx264")
    assert all(frame.pts is None for frame in decoded("a.h264"))
    assert run("a.h264", "-o", "b.mkv") == 0
    assert times("b.mkv") == [Fraction(number, 25) for number in range(6)]


def test_spliced_broadcast_goes_on_where_its_clock_jumps(run):
    write("a.ts", panned(30), "libx264", sound=True)
    content = open("a.ts", "rb").read()
    open("twice.ts", "wb").write(2 * content)
    run("twice.ts", "-o", "b.mkv")  # the splice may count as damage
    steps = np.diff(np.array(times("b.mkv"), float))
    assert len(steps) == 59 and 0 < steps.min() and steps.max() < 0.1
    sound = np.diff(np.array([time for time, _ in packets("b.mkv", "audio")], float))
    assert sound.min() > 0 and sound.max() < 0.1


# --- Colours ------------------------------------------------------------------------------------


def fading(plane, shares):
    return [(16 + (plane.astype(np.float32) - 16) * share).astype(np.uint8) for share in shares]


def begins(planes):
    """First frames of the shots of a film."""
    levels = kinds_levels()
    found = shots.find_shots(
        planes, lambda plane: shots.coarse(Image.fromarray(plane), levels), lambda plane: plane
    )
    return [shot.start for shot in found]


def kinds_levels():
    from colornet.films.ycbcr import Levels

    return Levels(8, full=False)


COFFEE, CAT = scene(), scene(source=data.chelsea)
DOWN, UP = np.linspace(1, 0, 9), np.linspace(0, 1, 9)
MOVING = [np.roll(COFFEE, 2 * number, axis=1) for number in range(10)]
FLASH = [COFFEE] * 4 + [np.full_like(COFFEE, 235)] + [COFFEE] * 4


@pytest.mark.parametrize(
    "planes, expected",
    [
        ([COFFEE] * 5 + [CAT] * 5, [0, 5]),
        ([COFFEE] * 5 + [CAT] * 2 + [COFFEE] * 3, [0, 5, 7]),
        ([COFFEE] * 5 + [CAT], [0, 5]),
        (MOVING, [0]),
        (FLASH, [0]),
        (fading(COFFEE, DOWN), [0]),
        (fading(COFFEE, UP), [0]),
        (fading(COFFEE, DOWN) + fading(COFFEE, UP), [0]),
        (fading(COFFEE, [1, 0.8, 1, 0.7, 1, 0.9]), [0]),
        ([CAT], [0]),
    ],
)
def test_shots(planes, expected):
    assert begins(planes) == expected


def test_a_scene_that_fades_out_for_another_is_a_shot():
    (first, second) = begins(fading(COFFEE, DOWN) + fading(CAT, UP))
    assert first == 0 and 8 <= second <= 12


def test_each_shot_has_the_features_of_its_own_frames(run):
    write("both.mkv", [COFFEE] * 6 + [CAT] * 6)
    write("cat.mkv", [CAT] * 6)
    for name in ("both", "cat"):
        assert run(f"{name}.mkv", "-o", f"out-{name}.mkv", "--codec", "ffv1") == 0
    both, cat = decoded("out-both.mkv"), decoded("out-cat.mkv")
    assert np.array_equal(rgb(both[6]), rgb(cat[0])) and np.array_equal(rgb(both[11]), rgb(cat[5]))


def test_steadied_colors_flicker_less():
    noise, steadying = np.random.default_rng(0), Steadying()
    ground = noise.uniform(0.2, 0.8, (16, 16, 1))
    frames = [
        (np.float32(ground + noise.normal(0, 0.003, ground.shape)),  # grain
         np.float32(noise.normal(0, 5, (8, 8, 2))))
        for _ in range(20)
    ]  # fmt: skip
    steadied = [steadying.steadied(*frame) for frame in frames]
    jumps, steps = (np.abs(np.diff(planes, axis=0)).mean()
                    for planes in ([ab for _, ab in frames], steadied))  # fmt: skip
    assert steps < 0.4 * jumps


def test_scratches_on_a_faded_film_leave_the_other_colors_as_they_are(run, tmp_path):
    network = tiny.save_network(tmp_path, "stretching=true")
    planes = [scene() // 4 + 100 for _ in range(8)]
    for plane in planes[1::3]:
        plane[:, 3:5] = 235
    write("a.mkv", planes)
    assert run("a.mkv", "-o", "b.mkv", "--codec", "ffv1", model=network) == 0
    still = [ab_of(frame)[:, 24:] for frame in decoded("b.mkv")]
    assert np.abs(np.diff(still, axis=0)).mean() < 0.5
    assert np.abs(still[0]).mean() > 2


def test_frames_can_be_colored_one_by_one(run):
    write("a.mkv", panned(4))
    write("last.mkv", panned(4)[-1:])
    for name in ("a", "last"):
        made = f"out-{name}.mkv"
        assert run(f"{name}.mkv", "-o", made, "--codec", "ffv1", "--steady", "off") == 0
    assert np.array_equal(rgb(decoded("out-a.mkv")[-1]), rgb(decoded("out-last.mkv")[0]))


def test_what_moves_takes_its_new_color_at_once():
    steadying = Steadying()
    still = np.full((8, 8, 1), 0.5, np.float32)
    moved = still.copy()
    moved[6:] = 0.9
    first = steadying.steadied(still, np.zeros((4, 4, 2), np.float32))
    second = steadying.steadied(moved, np.full((4, 4, 2), 10, np.float32))
    assert not first.any()
    assert np.all(second[0] < 5) and np.all(second[3] > 9.9)


def test_style_from_a_picture(run):
    write("a.mkv", panned(4))
    tiny.photograph().save("style.png")
    assert run("a.mkv", "-o", "own.mkv", "--codec", "ffv1") == 0
    assert run("a.mkv", "-o", "style.mkv", "--codec", "ffv1", "--style-from", "style.png") == 0
    assert not np.array_equal(rgb(decoded("own.mkv")[0]), rgb(decoded("style.mkv")[0]))


def test_chroma_zero_is_gray(run):
    write("a.mkv", panned(2))
    assert run("a.mkv", "-o", "b.mkv", "--codec", "ffv1", "--chroma", "0") == 0
    for frame in decoded("b.mkv"):
        assert (view(frame, 1) == 128).all() and (view(frame, 2) == 128).all()


# --- Parts, damage and mistakes -----------------------------------------------------------------


def test_a_part_of_a_film(run):
    chapters = [dict(id=n, start=n * 200, end=n * 200 + 200, time_base=Fraction(1, 1000),
                     metadata={"title": str(n)}) for n in range(4)]  # fmt: skip
    write("a.mkv", panned(20), "libx264", sound=True, chapters=chapters)
    assert run("a.mkv", "-o", "b.mkv", "--from", "0.2", "--to", "0:00:00.6", "--codec", "ffv1") == 0
    assert times("b.mkv") == [Fraction(n, 25) for n in range(10)]
    for one, other in zip(decoded("a.mkv")[5:15], decoded("b.mkv")):
        assert np.array_equal(view(one, 0), view(other, 0))
    wanted = [(t - Fraction(1, 5), b) for t, b in packets("a.mkv", "audio") if 0.2 <= t < 0.6]
    assert packets("b.mkv", "audio") == wanted
    with av.open("b.mkv") as film:
        assert [c["metadata"]["title"] for c in film.chapters()] == ["1", "2"]


@pytest.mark.parametrize(
    "ending, options", [("mkv", {}), ("mp4", {"movflags": "faststart"}), ("avi", {})]
)
def test_truncated_film(run, capfd, ending, options):
    rng = np.random.default_rng(0)
    planes = list(rng.integers(16, 235, (40, 48, 64), np.uint8))
    whole = write(f"a.{ending}", planes, "mpeg4" if ending == "avi" else "libx264", options=options)
    content = open(whole, "rb").read()
    open(whole, "wb").write(content[: len(content) // 2])
    assert run(whole, "-o", "out") == 1
    made = f"out/a.{'mkv' if ending == 'avi' else ending}"
    frames = decoded(made)
    assert 10 < len(frames) < 30
    error = capfd.readouterr().err
    assert error.count("\n") == 1 and "damaged" in error and whole in error


@pytest.mark.parametrize(
    "content", [b"This is no film.\n" * 100, b"", b"\0\0\0\x18ftypisom" + b"\1" * 500]
)
def test_what_is_no_film(run, capfd, content):
    open("a.mp4", "wb").write(content)
    write("b.mkv", panned(2))
    assert run("a.mp4", "b.mkv", "-o", "out") == 1
    assert os.listdir("out") == ["b.mkv"]
    error = capfd.readouterr().err
    assert error.startswith("a.mp4: ") and error.count("\n") == 1


def test_kinds_are_told_by_content(run):
    os.mkdir("in")
    write("in/film.mkv", panned(2))
    os.rename("in/film.mkv", "in/film.jpg")
    tiny.photograph().save("picture.png")
    os.rename("picture.png", "in/picture.mp4")
    tiny.photograph().save("in/b.png")
    assert run("in", "-o", "out") == 0
    assert sorted(os.listdir("out")) == ["b.png", "film.mkv", "picture.png"]
    assert not kinds.is_film("out/b.png") and kinds.is_film("out/film.mkv")


def test_without_pyav_pictures_are_colored(run, capfd, monkeypatch):
    write("a.mkv", panned(2))
    tiny.photograph().save("b.png")
    monkeypatch.setitem(sys.modules, "av", None)
    assert run("a.mkv", "b.png", "-o", "out") == 1
    assert os.listdir("out") == ["b.png"]
    error = capfd.readouterr().err
    assert error.count("\n") == 1 and "pip install 'let-there-be-color[films]'" in error


@pytest.mark.parametrize("arguments, says", [
    (("-o", "b.mp4", "--codec", "libnothing"), "libnothing"),
    (("-o", "b.png"), ".mp4"),
    (("-o", "b.mp4", "--from", "9"), "--from"),
    (("-o", "b.mp4", "--from", "2", "--to", "1"), "--to"),
    (("-o", "b.mp4", "--classes", "2", "--steady", "off"), "--classes"),
    (("-o", "b.webm"), ".webm"),
])  # fmt: skip
def test_mistakes_are_named(run, capfd, arguments, says):
    write("a.mkv", panned(2))
    assert run("a.mkv", *arguments) in (1, 2)
    error = capfd.readouterr().err
    assert error.count("\n") == 1 and says in error
    assert os.listdir(".") == ["a.mkv"]


def test_options_of_pictures_without_a_picture_are_named(run, capfd):
    write("a.mkv", panned(2))
    assert run("a.mkv", "-o", "b.mkv", "--compare", "--quality", "95", "--crf", "0") == 0
    said = "--compare, --quality: for pictures only, and no input is one"
    assert said in capfd.readouterr().err.splitlines()


def test_an_error_that_nobody_foresaw_ends_one_film(run, monkeypatch, capsys):
    for name in ("a.mkv", "b.mkv"):
        write(name, panned(2))
    with_chroma, calls = frames.with_chroma, []

    def fails_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise IndexError("no such plane")
        return with_chroma(*arguments)

    monkeypatch.setattr(frames, "with_chroma", fails_once)
    assert run("a.mkv", "b.mkv", "-o", "out") == 1
    caught = capsys.readouterr()
    assert "1 colored, 1 failed" in caught.out and os.listdir("out") == ["b.mkv"]
    assert "a.mkv: unexpected error, IndexError: no such plane; --debug shows where" in caught.err
    assert "Traceback" not in caught.err


def test_interrupted_film_leaves_nothing(run, monkeypatch):
    write("a.mkv", panned(8))
    original, count = frames.with_chroma, []

    def interrupted(*arguments):
        count.append(1)
        if len(count) == 3:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(frames, "with_chroma", interrupted)
    assert run("a.mkv", "-o", "b.mkv") == 130
    assert os.listdir(".") == ["a.mkv"]


def test_stages_overlap_within_bounds():
    made = []

    def numbers():
        for number in range(100):
            made.append(number)
            yield number

    stage = ahead(numbers(), 3)
    assert [next(stage) for _ in range(4)] == [0, 1, 2, 3]
    stage.close()
    assert len(made) <= 9


def test_an_error_in_a_stage_comes_out():
    def broken():
        yield 1
        raise ValueError("broken")

    stage = ahead(ahead(broken(), 2), 2)
    assert next(stage) == 1
    with pytest.raises(ValueError, match="broken"):
        next(stage)


def test_lines_without_a_terminal(capsys):
    with progress(3, "frames", what="a.mp4: coloring", every=0) as bar:
        for _ in range(3):
            bar.update()
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("a.mp4: coloring: 3 of 3 frames, ") and last.endswith("0:00:00 left")
