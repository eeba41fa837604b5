"""Films that are damaged, odd, or of which only a part is wanted: nothing goes lost in silence."""

import os
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw

import tiny
from colornet.films.film_colorizer import PACKETS, FilmColorizer, FilmSettings
from films_made import decoded, panned, scene, times, view, write


def noise(count):
    return list(np.random.default_rng(0).integers(16, 235, (count, 48, 64), np.uint8))


@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_part_of_a_film_of_few_frames_has_all_of_them(run, ending):
    ticks = [3000 * number for number in range(20)]
    write(f"a.{ending}", panned(20), "libx264", times=ticks, time_base=Fraction(1, 1000),
          max_b_frames=4)  # fmt: skip
    assert run(f"a.{ending}", "-o", f"b.{ending}", "--from", "9", "--to", "21") == 0
    assert times(f"b.{ending}") == [0, 3, 6, 9]


def test_a_hole_in_a_film_is_named(run, capfd):
    write("a.mkv", noise(40), "libx264", gop_size=5)
    content = bytearray(open("a.mkv", "rb").read())
    middle = len(content) // 2
    content[middle : middle + 6000] = b"U" * 6000
    open("a.mkv", "wb").write(content)
    assert run("a.mkv", "-o", "b.mkv") == 1
    error = capfd.readouterr().err
    assert error.count("\n") == 1 and "damaged" in error
    assert len(decoded("b.mkv")) < 40


def test_a_film_cut_just_before_its_end_is_named(run, capfd):
    write("a.mkv", noise(40), "libx264")
    content = open("a.mkv", "rb").read()
    open("a.mkv", "wb").write(content[: int(0.85 * len(content))])
    assert run("a.mkv", "-o", "b.mkv") == 1
    assert "its header says" in capfd.readouterr().err


def test_a_stream_that_begins_within_a_film(run, capfd):
    write("a.flv", panned(300), "flv")
    content = open("a.flv", "rb").read()
    place, tags = 13, 0
    while tags < 250:  # tags: kind, size in 3 bytes, 7 more, content, 4 more
        place += 15 + int.from_bytes(content[place + 1 : place + 4], "big")
        tags += 1
    sound = b"\x08\0\0\x21" + b"\0" * 7 + b"\x2f" + b"\0" * 32 + b"\0\0\0\x2c"
    open("a.flv", "wb").write(content[:place] + sound + content[place:])
    assert run("a.flv", "-o", "b.mkv") == 1
    assert "begins within it" in capfd.readouterr().err
    assert len(decoded("b.mkv")) == 300


def test_a_name_may_begin_like_a_protocol(run):
    write("a.mkv", panned(2))
    os.rename("a.mkv", "Metropolis:1927.mkv")
    assert run("Metropolis:1927.mkv", "-o", "out") == 0
    assert len(decoded("out/Metropolis:1927.mkv")) == 2


def test_transparency_that_is_left_out_is_named(run, capfd):
    write("a.mkv", panned(2), pixel_format="yuva420p")
    assert run("a.mkv", "-o", "b.mkv") == 0
    assert capfd.readouterr().err == "a.mkv: left out: transparency\n"


@pytest.mark.parametrize("range_", [1, 2])
def test_an_encoder_of_one_range_takes_no_film_of_the_other(run, range_):
    write("a.mkv", panned(2), color_range=range_)
    assert run("a.mkv", "-o", "b.mkv", "--codec", "mjpeg") == (1 if range_ == 1 else 0)
    if range_ == 2:
        before, after = decoded("a.mkv")[0], decoded("b.mkv")[0]
        assert np.abs(view(before, 0).astype(int) - view(after, 0)).mean() < 3


def test_the_last_frame_is_shown_as_long_as_it_was(run):
    planes, path = panned(3), "a.mp4"
    with av.open(path, "w") as film:
        video = film.add_stream("libx264", 25, width=64, height=48, pix_fmt="yuv420p")
        video.codec_context.time_base = Fraction(1, 1000)
        video.codec_context.flags |= av.codec.context.Flags.frame_duration
        for plane, (start, length) in zip(planes, [(0, 100), (100, 500), (600, 3000)]):
            frame = av.VideoFrame.from_ndarray(plane, "gray").reformat(format="yuv420p")
            frame.pts, frame.time_base, frame.duration = start, Fraction(1, 1000), length
            film.mux(video.encode(frame))
        film.mux(video.encode())
    assert run(path, "-o", "b.mp4") == 0
    with av.open(path) as before, av.open("b.mp4") as after:
        assert abs(after.duration - before.duration) < 50_000


@pytest.mark.parametrize("arguments", [("--codec", "none"), ("--from", "2", "--to", "1")])
def test_mistakes_are_named_before_anything_is_colored(run, arguments):
    write("a.mkv", panned(2))
    tiny.photograph().save("b.png")
    assert run("a.mkv", "b.png", "-o", "out", *arguments) == 2
    assert not os.path.exists("out")


@pytest.mark.parametrize("time", ["1e30", "9" * 30, "-1", "nan", "1/2", ""])
def test_what_is_no_time(run, time):
    write("a.mkv", panned(2))
    with pytest.raises(SystemExit):
        run("a.mkv", "-o", "b.mkv", f"--from={time}")


def test_sound_that_goes_on_alone_is_passed_on(colorizer):
    given = []

    def sound():
        for _ in range(4 * PACKETS):
            given.append(av.Packet(1))
            yield given[-1]

    next(FilmColorizer(colorizer, FilmSettings())._colored(sound(), 8))
    assert len(given) <= PACKETS


@pytest.mark.parametrize("name", ["a.gif", "a.png"])
def test_an_animated_picture_is_colored_as_a_film(run, name):
    pictures = [tiny.photograph(48, 32).rotate(10 * number).convert("RGB") for number in range(4)]
    pictures[0].save(name, save_all=True, append_images=pictures[1:], duration=80)
    pictures[0].save("still.png")
    assert run(name, "still.png", "-o", "out") == 0
    assert times("out/a.mp4") == [Fraction(8 * number, 100) for number in range(4)]
    assert os.path.exists("out/still.png")


def title_card():
    """Luma of white letters on black, smooth at their edges, with the noise of a scan."""
    large = Image.new("L", (640, 480), 16)
    draw = ImageDraw.Draw(large)
    for row in range(3):
        for column in range(9):
            draw.rectangle(
                (40 + 64 * column, 100 + 110 * row, 70 + 64 * column, 160 + 110 * row), 225
            )
    card = np.asarray(large.resize((320, 240), Image.Resampling.BICUBIC)).astype(float)
    return np.clip(card + np.random.default_rng(0).normal(0, 4, card.shape), 0, 255).astype(
        np.uint8
    )


def chroma(path):
    """Mean distance of a film's chroma from gray, of each frame."""
    return [
        np.mean([np.abs(view(frame, index).astype(float) - 128).mean() for index in (1, 2)])
        for frame in decoded(path)
    ]


def test_titles_stay_without_color_and_fades_and_nights_do_not(run):
    photograph = scene(width=320, height=240)
    night = (16 + (photograph.astype(float) - 16) * 0.18).astype(np.uint8)
    night[20:26, 30:36] = 235  # a lamp
    faded = (16 + (photograph.astype(float) - 16) * 0.1).astype(np.uint8)
    write("a.mkv", [photograph] * 2 + [title_card()] * 2 + [night] * 2 + [faded] * 2)
    assert run("a.mkv", "-o", "b.mkv", "--codec", "ffv1", "--steady", "off") == 0
    strengths = chroma("b.mkv")
    assert max(strengths[2:4]) < 0.6 < min(strengths[:2])
    assert min(strengths[4:]) > 0.3
