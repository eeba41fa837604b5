"""Flicker, error, speed and memory of coloring films; of films.py."""

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from shared import Usage, bar, run_script
from skimage import data

from colornet.pictures import colorspace

CLIPS = ("bikes.mp4", "carphone_pristine.mp4")
FLICKER_OF_FRAMES = 0.6  # of that of frames colored one by one, at most
FLICKER_OF_TRUTH = 1.3  # of that of the true colors, at most
WORSE_THAN_FRAMES = 0.2  # Lab units of rmse_ab above that of frames colored one by one, at most
STILL = 1.0  # L* units
PAN_SIZE, PAN_FRAMES, PAN_STEP = (400, 300), 100, 2  # pixels (width, height); pixels a frame
FRAMES_A_SECOND = {(640, 480): 25, (1920, 1080): 8}  # by size
SPEED_FRAMES = {(640, 480): 500, (1920, 1080): 150}
FEW = 10  # frames of the film whose seconds are those of starting up
MEGABYTES = 700


def transform(source: str, target: str, *arguments: str) -> Usage:
    """What the process took that colors a film."""
    return run_script("model_transform.py", source, "-o", target, *arguments)


# --- Flicker and error --------------------------------------------------------------------------


def lab_frames(path: str) -> Iterator[np.ndarray]:
    with av.open(path) as film:
        for frame in film.decode(video=0):
            yield colorspace.rgb_to_lab(frame.to_ndarray(format="rgb24"))


def compare(truth: str, made: str, shift: int) -> tuple[float, float, float]:
    """(flicker of the truth, flicker of what was made, rmse_ab).

    Args:
        truth, made: paths of films of the same frames.
        shift: pixels by which the picture moves to the left from frame to frame.
    """
    sums, count, squares, frames, last = np.zeros(2), 0, 0.0, 0, None
    for one, other in zip(lab_frames(truth), lab_frames(made), strict=True):
        squares += np.mean((one[..., 1:] - other[..., 1:]) ** 2)
        frames += 1
        if last is not None:
            before = [each[:, shift:] for each in last]
            now = [each[:, : each.shape[1] - shift] for each in (one, other)]
            still = np.abs(now[0][..., 0] - before[0][..., 0]) < STILL
            for index in range(2):
                change = now[index][..., 1:] - before[index][..., 1:]
                sums[index] += np.hypot(change[..., 0], change[..., 1])[still].sum()
            count += still.sum()
        last = one, other
    flickers = sums / count
    return flickers[0], flickers[1], (squares / frames) ** 0.5


def write_pan(path: str) -> None:
    photograph, (width, height) = data.coffee(), PAN_SIZE
    with av.open(path, "w") as film:
        video = film.add_stream("ffv1", 25, width=width, height=height, pix_fmt="bgr0")
        for number in range(PAN_FRAMES):
            left = number * PAN_STEP
            pixels = np.ascontiguousarray(photograph[40 : 40 + height, left : left + width])
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="bgr0")
            film.mux(video.encode(frame))
        film.mux(video.encode())


def flicker(clips: str, folder: str, arguments: Sequence[str]) -> bool:
    pan = os.path.join(folder, "pan.mkv")
    write_pan(pan)
    holds = True
    for path in [*(os.path.join(clips, name) for name in CLIPS), pan]:
        shift = PAN_STEP if path == pan else 0
        figures = {}
        for steady in ("off", "on"):
            made = os.path.join(folder, f"{steady}.mkv")
            transform(path, made, "--steady", steady, "--codec", "ffv1", "--overwrite", *arguments)
            truth, *figures[steady] = compare(path, made, shift)
        (alone, alone_error), (steadied, error) = figures["off"], figures["on"]
        print(
            f"{os.path.basename(path)}: flicker {alone:.3f} frame by frame, {steadied:.3f} "
            f"steadied, {truth:.3f} true; rmse_ab {alone_error:.3f}, {error:.3f}"
        )
        ratio = steadied / alone
        holds &= bar(ratio <= FLICKER_OF_FRAMES, f"{ratio:.2f} of frame by frame's flicker")
        if truth > 0.01:
            ratio = steadied / truth
            holds &= bar(ratio <= FLICKER_OF_TRUTH, f"{ratio:.2f} of the true colors' flicker")
        more = error - alone_error
        holds &= bar(more <= WORSE_THAN_FRAMES, f"rmse_ab {more:+.3f} of frame by frame's")
    return holds


# --- Speed and memory ---------------------------------------------------------------------------


def write_scaled(source: str, path: str, size: tuple[int, int], count: int) -> None:
    """A film of `count` frames of a size, made by looping a clip."""
    with av.open(path, "w") as film:
        video = film.add_stream("libx264", 25, width=size[0], height=size[1], pix_fmt="yuv420p")
        video.codec_context.options = {"preset": "veryfast"}
        for number in range(count):
            if number % 250 == 0:
                frames = av.open(source).decode(video=0)
            frame = next(frames).reformat(*size, format="yuv420p")
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, 25), 0
            film.mux(video.encode(frame))
        film.mux(video.encode())


def repeat(source: str, path: str, times: int) -> None:
    """A film of a clip played several times over; its packets are copied."""
    with av.open(path, "w") as film:
        with av.open(source) as clip:
            video = film.add_stream_from_template(clip.streams.video[0], opaque=True)
        for turn in range(times):
            with av.open(source) as clip:
                stream: Any = clip.streams.video[0]
                packet: Any
                for packet in clip.demux(stream):
                    if packet.pts is not None:
                        packet.pts += turn * stream.duration
                        packet.dts += turn * stream.duration
                        packet.stream = video
                        film.mux(packet)


def speed(clips: str, folder: str, arguments: Sequence[str]) -> bool:
    holds, source = True, os.path.join(clips, CLIPS[0])
    made = os.path.join(folder, "made.mp4")
    for size, wanted in FRAMES_A_SECOND.items():
        few, many = (os.path.join(folder, f"{name}.mp4") for name in ("few", "many"))
        write_scaled(source, few, size, FEW)
        write_scaled(source, many, size, SPEED_FRAMES[size])
        start, start_work, _ = transform(few, made, "--overwrite", *arguments)
        seconds, work, megabytes = transform(many, made, "--overwrite", *arguments)
        more = SPEED_FRAMES[size] - FEW
        rate = more / (seconds - start)
        print(
            f"{size[0]} x {size[1]}: starts in {start:.1f} s, peak {megabytes:.0f} MB, "
            f"{1000 * (work - start_work) / more:.0f} ms of processor time a frame"
        )
        holds &= bar(rate >= wanted, f"{rate:.1f} frames/s, encoding included; wanted {wanted}")
    return holds


def memory(clips: str, folder: str, arguments: Sequence[str], minutes: int) -> bool:
    clip, film = (os.path.join(folder, f"{name}.mp4") for name in ("clip", "film"))
    write_scaled(os.path.join(clips, CLIPS[0]), clip, (640, 480), 250)
    holds = True
    for length in (1, minutes):
        repeat(clip, film, length * 6)
        made = os.path.join(folder, "made.mp4")
        seconds, _, megabytes = transform(film, made, "--overwrite", *arguments)
        rate = length * 1500 / seconds
        holds &= bar(
            megabytes <= MEGABYTES,
            f"{length} min of 640 x 480: {megabytes:.0f} MB, {rate:.1f} frames/s",
        )
    return holds
