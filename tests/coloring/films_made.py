"""Small films for the tests, made with PyAV."""

from fractions import Fraction

import av
import numpy as np
from skimage import data
from skimage.transform import resize

RATE = 25


def scene(width=64, height=48, source=data.coffee):
    """Luma of a still scene, uint8 (height, width), from 16 to 235."""
    gray = resize(source().mean(axis=2) / 255, (height, width), anti_aliasing=True)
    return (16 + 219 * gray).astype(np.uint8)


def panned(count, **kwargs):
    """Luma planes of a scene that moves by a pixel a frame."""
    plane = scene(**kwargs)
    return [np.roll(plane, number, axis=1) for number in range(count)]


def write(
    path, planes, codec="ffv1", pixel_format="yuv420p", times=None, time_base=Fraction(1, RATE),
    sound=False, rotation=None, options=None, chapters=(), tags=(), **attributes
):  # fmt: skip
    """Write a film; its chroma planes hold noise, as nobody may look at them.

    Args:
        planes: luma planes (height, width).
        times: of the frames, in units of time_base.
        attributes: of the codec context.
    """
    noise = np.random.default_rng(0)
    with av.open(str(path), "w", container_options=options or {}) as film:
        video = film.add_stream(codec, RATE)
        video.height, video.width = planes[0].shape
        video.pix_fmt, video.codec_context.time_base = pixel_format, time_base
        video.time_base = time_base
        if codec == "libx264":
            video.codec_context.options = {"preset": "ultrafast", "crf": "10"}
        for name, value in attributes.items():
            setattr(video.codec_context, name, value)
        if rotation:
            video.set_display_rotation(rotation)
        audio = film.add_stream("aac", 48000, layout="mono") if sound else None
        film.metadata.update(tags)
        if chapters:
            film.set_chapters(list(chapters))
        for number, plane in enumerate(planes):
            frame = av.VideoFrame(plane.shape[1], plane.shape[0], pixel_format)
            for index in range(len(frame.planes)):
                view(frame, index)[:] = plane if index == 0 else noise.integers(60, 200)
            frame.pts, frame.time_base = (times[number] if times else number), time_base
            film.mux(video.encode(frame))
            if audio:
                samples = noise.normal(0, 0.1, (1, 48000 // RATE)).astype(np.float32)
                heard = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
                heard.sample_rate, heard.pts = 48000, number * 48000 // RATE
                film.mux(audio.encode(heard))
        film.mux(video.encode())
        if audio:
            film.mux(audio.encode())
    return str(path)


def with_more(source, target, codec, contents, every=0, **attributes):
    """Write a film's streams and one more, whose packets hold some contents."""
    with av.open(source) as film, av.open(target, "w") as made:
        copies = [made.add_stream_from_template(stream, opaque=True) for stream in film.streams]
        more = made.add_mux_stream(codec, time_base=Fraction(1, 1000), **attributes)
        packets = [packet for packet in film.demux() if packet.size]
        for packet in packets:
            packet.stream = copies[packet.stream_index]
            made.mux(packet)
        for number, content in enumerate(contents):
            packet = av.Packet(content)
            packet.stream, packet.time_base = more, Fraction(1, 1000)
            packet.pts = packet.dts = number * every
            packet.duration = every
            made.mux(packet)
    return target


def view(frame, index):
    """A plane of a frame as an array that shares its memory."""
    plane = frame.planes[index]
    kind = np.uint8 if frame.format.components[0].bits == 8 else np.uint16
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind().itemsize)
    return rows[: plane.height, : plane.width]


def decoded(path):
    """The frames of a film."""
    with av.open(str(path)) as film:
        return list(film.decode(video=0))


def packets(path, kind):
    """[(time in seconds, bytes)] of a film's packets of a kind of stream."""
    with av.open(str(path)) as film:
        stream = getattr(film.streams, kind)[0]
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in film.demux(stream) if packet.pts is not None
        ]  # fmt: skip


def rgb(frame):
    return frame.to_ndarray(format="rgb24")


def times(path):
    return [frame.pts * frame.time_base for frame in decoded(path)]
