"""Sound and other streams of films as people have them: kept in sync, converted, or named."""

from fractions import Fraction

import av
import numpy as np
import pytest

from films_made import RATE, decoded, scene, view, write

FLASH = 12  # frame
RATE_OF_SOUND = 44100


def flashing(path, codec, sound, frames=25, **attributes):
    """Write a film in which a white frame and a beep begin together."""
    dim, bright = scene(), np.full((48, 64), 235, np.uint8)
    with av.open(str(path), "w") as film:
        video = film.add_stream(codec, RATE)
        video.height, video.width, video.pix_fmt = 48, 64, "yuv420p"
        for name, value in attributes.items():
            setattr(video.codec_context, name, value)
        audio = film.add_stream(sound, RATE_OF_SOUND, layout="mono")
        audio.bit_rate = 64000
        for number in range(frames):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for index in range(3):
                view(frame, index)[:] = 128 if index else (bright if number == FLASH else dim)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            film.mux(video.encode(frame))
        film.mux(video.encode())
        time = np.arange(frames * RATE_OF_SOUND // RATE) / RATE_OF_SOUND
        heard = np.sin(2 * np.pi * 1000 * time) * (np.abs(time * RATE - FLASH - 0.5) < 0.5)
        block = av.AudioFrame.from_ndarray((20000 * heard).astype(np.int16)[None], "s16p", "mono")
        block.sample_rate, block.pts, block.time_base = RATE_OF_SOUND, 0, Fraction(1, RATE_OF_SOUND)
        film.mux(audio.encode(block))
        film.mux(audio.encode())
    return str(path)


def flash_and_beep(path):
    """Seconds of a film's white frame and of the beginning of its beep."""
    white = [frame.time for frame in decoded(path) if frame.to_ndarray(format="gray").mean() > 200]
    with av.open(str(path)) as film:
        for frame in film.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype(float)).reshape(-1)
            samples /= (
                1
                if frame.format.name.startswith("flt")
                else np.iinfo(np.int32 if "32" in frame.format.name else np.int16).max
            )
            loud = np.flatnonzero(samples > 0.2)
            if len(loud):
                return white[0], frame.time + loud[0] / frame.sample_rate
    return white[0], None


@pytest.mark.parametrize("output", ["b.mkv", "b.mp4", "b.mov"])
@pytest.mark.parametrize(
    "source, codec, sound",
    [
        ("a.avi", "mjpeg", "adpcm_ima_wav"),
        ("a.avi", "mpeg4", "adpcm_ms"),
        ("a.wmv", "wmv2", "wmav2"),
        ("a.avi", "mpeg4", "pcm_mulaw"),
    ],
)
def test_sound_that_the_output_cannot_hold_is_converted(run, capsys, source, codec, sound, output):
    formats = {"pix_fmt": "yuvj420p"} if codec == "mjpeg" else {}
    flash, beep = flash_and_beep(flashing(source, codec, sound, **formats))
    capsys.readouterr()
    assert run(source, "-o", output) == 0
    said = capsys.readouterr().err
    kept = sound == "pcm_mulaw" and output == "b.mov"
    assert kept or f"({sound}) is stored as " in said and "without loss" in said
    flash_now, beep_now = flash_and_beep(output)
    assert abs((beep_now - flash_now) - (beep - flash)) < 0.03


def test_an_avi_is_refused_as_an_output_with_advice_that_works(run, capfd):
    flashing("a.avi", "mpeg4", "adpcm_ms")
    assert run("a.avi", "-o", "b.avi") == 1
    assert "give an output ending in .mkv" in capfd.readouterr().err
    assert run("a.avi", "-o", "b.mkv") == 0


def test_a_stream_without_a_decoder_is_named_and_the_next_film_is_colored(run, capfd):
    write("a.mkv", [scene()] * 3, "libx264", sound=True)
    content = open("a.mkv", "rb").read()
    open("a.mkv", "wb").write(content.replace(b"A_AAC", b"A_ZZZ"))
    write("b.mkv", [scene()] * 3, "libx264")
    assert run("a.mkv", "b.mkv", "-o", "out") == 0
    assert "left out: audio stream 1 (unknown codec)" in capfd.readouterr().err
    assert len(decoded("out/a.mkv")) == len(decoded("out/b.mkv")) == 3


def test_the_larger_of_two_pictures_is_the_film(run):
    with av.open("a.mkv", "w") as film:
        streams = [film.add_stream("ffv1", RATE) for _ in range(2)]
        for stream, (height, width) in zip(streams, ((24, 32), (48, 64))):
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for number in range(3):
            for stream in streams:
                frame = av.VideoFrame(stream.width, stream.height, "yuv420p")
                for index in range(3):
                    view(frame, index)[:] = 100
                frame.pts, frame.time_base = number, Fraction(1, RATE)
                film.mux(stream.encode(frame))
        for stream in streams:
            film.mux(stream.encode())
    assert run("a.mkv", "-o", "b.mkv") == 0
    assert (decoded("b.mkv")[0].width, decoded("b.mkv")[0].height) == (64, 48)


@pytest.mark.parametrize(
    "codec, output", [("prores_ks", "b.mov"), ("libx265", "b.mkv"), ("libx264", "b.mp4")]
)
def test_field_order_is_kept(run, codec, output):
    flags = av.codec.context.Flags
    both = flags.interlaced_dct | flags.interlaced_me
    write("a.mpg", [scene()] * 6, "mpeg2video", flags=both, field_order=2)
    with av.open("a.mpg") as film:
        next(film.decode(video=0))
        order = film.streams.video[0].codec_context.field_order
    assert run("a.mpg", "-o", output, "--codec", codec) == 0
    with av.open(output) as film:
        next(film.decode(video=0))
        assert film.streams.video[0].codec_context.field_order == order
