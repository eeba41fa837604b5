"""Color a film: a first pass finds its shots, a second colors and writes it."""

import contextlib
import dataclasses
import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from fractions import Fraction

import av
import numpy as np

from colornet import files
from colornet.coloring.colorizer import SHRINKING, Colorizer, Inputs, prepare, working_shape
from colornet.files import printable
from colornet.films import frames, shots, ycbcr
from colornet.films.ahead import ahead
from colornet.films.encoding import Encoding
from colornet.films.sink import Sink
from colornet.films.source import FilmError, FilmSource, Sound, reason
from colornet.films.steadying import Steadying
from colornet.pictures import stretching
from colornet.progress import Bar

# Of what is being done, and of how many frames, if that is known.
Progress = Callable[[str, int | None], Bar]

BATCH = 8  # frames that the network colors at once
PACKETS = 256  # frames and packets of sound that wait for a batch, at most: sound may go on alone
BYTES_AHEAD = 48 << 20  # of frames that wait for the next stage, at most


@dataclasses.dataclass(frozen=True)
class FilmSettings:
    """How films are colored.

    Attributes:
        style: of `Colorizer.style_of`, for every frame; None: a film's own.
        steady: whether colors are held still within shots.
        start, stop: seconds of the part to color; stop may be None.
        encoding: an `Encoding`.
    """

    style: np.ndarray | None = None
    steady: bool = True
    start: Fraction = Fraction(0)
    stop: Fraction | None = None
    encoding: Encoding = Encoding()


@dataclasses.dataclass
class FilmResult:
    """What became of a film.

    Attributes:
        frames: how many were colored.
        scenes: of each shot, by the number of its first frame, the probabilities of its scenes;
            empty if no shots were looked for.
        remarks: what the output does not hold as it was.
        damage: what is wrong with the film; None if nothing is.
    """

    frames: int = 0
    scenes: dict[int, np.ndarray | None] = dataclasses.field(default_factory=dict)
    remarks: list[str] = dataclasses.field(default_factory=list)
    damage: str | None = None


@dataclasses.dataclass(frozen=True)
class ShotStyle:
    """What the frames of a shot have in common.

    Attributes:
        features: global features (1, 256 width); None: each frame's own.
        stretch_range: of `stretching.span_of`, of all its samples; None: no stretching.
    """

    features: np.ndarray | None
    stretch_range: np.ndarray | None


@dataclasses.dataclass
class FrameInputs:
    """A frame and its small copies.

    Attributes:
        frame: planar `av.VideoFrame`.
        inputs: of `prepare`, upright, before their contrast is stretched.
        style: of its shot, or its own.
        begins: whether it is the first of its shot.
        ab: float32 chrominance, the way up that the frame is stored; there once it was made.
    """

    frame: av.VideoFrame
    inputs: Inputs
    style: ShotStyle
    begins: bool
    ab: np.ndarray = dataclasses.field(init=False)


class FilmColorizer:
    """A `Colorizer` and settings, for any number of films."""

    def __init__(self, colorizer: Colorizer, settings: FilmSettings) -> None:
        self.colorizer, self.settings = colorizer, settings

    def color(self, path: str, target: str, progress: Progress) -> FilmResult:
        """Color one film.

        Args:
            path: the film.
            target: where it is written, whole or not at all; its ending tells the format.
            progress: function of what is being done and the number of frames, if known, to a
                context with `update()`, which is called with each frame.

        Returns:
            FilmResult.

        Raises:
            FilmError: it cannot be read, or the result not be saved.
            MemoryError: its frames are too large for the network.
        """
        film, result = FilmSource(path, self.settings.start, self.settings.stop), FilmResult()
        try:
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            with files.whole_path(target) as partial:
                self._write(film, partial, result, progress)
        except (OSError, av.FFmpegError) as error:
            raise FilmError(f"cannot be saved as {printable(target)}: {reason(error)}") from None
        return result

    def _write(
        self, film: FilmSource, partial: str, result: FilmResult, progress: Progress
    ) -> None:
        with Sink(partial, film, self.settings.encoding) as sink:
            result.remarks = sink.remarks
            styles: dict[int, ShotStyle] = {}
            expected = film.expected
            if self.settings.steady:
                with progress("looking for shots", expected) as bar:
                    styles, result.scenes, expected = self._find_shots(film, bar)
            first = frames.planar(film.first)
            matrix = ycbcr.matrix_of(first.colorspace, first.height)
            depth = max(2, min(16, BYTES_AHEAD // frames.bytes_of(first)))
            items = ahead(self._prepared(film.read(sink.copied, sink.converted), styles), depth)
            colored = ahead(self._colored(items, min(BATCH, depth)), depth)
            with contextlib.closing(colored), progress("coloring", expected) as bar:
                for item in colored:
                    if not isinstance(item, FrameInputs):
                        sink.write(item)
                        continue
                    sink.encode(frames.with_chroma(item.frame, item.ab, sink.pixel_format, matrix))
                    result.frames += 1
                    bar.update()
            sink.finish()
            result.damage = film.damage
        if not result.frames:
            raise FilmError("no frame in that part; expected --from and --to within its length")

    def _find_shots(
        self, film: FilmSource, bar: Bar
    ) -> tuple[dict[int, ShotStyle], dict[int, np.ndarray | None], int]:
        """Find the shots of a film.

        Returns:
            (styles by the number of each shot's first frame, probabilities of its scenes likewise,
            number of frames).
        """
        styles: dict[int, ShotStyle] = {}
        scenes: dict[int, np.ndarray | None] = {}
        count = 0

        def planar() -> Iterator[av.VideoFrame]:
            for frame in ahead(film.frames(), BATCH):
                yield frames.planar(frame)
                bar.update()

        def grid(frame: av.VideoFrame) -> np.ndarray:
            return shots.coarse(frames.image_of(frame), frames.image_levels(frame))

        for shot in shots.find_shots(planar(), grid, lambda frame: self._prepare(frame).global_):
            count = shot.start + shot.length
            stretch_range = self._stretch_range(np.concatenate(shot.samples, axis=1))
            samples = np.concatenate(shot.samples)
            if stretch_range is not None:
                samples = stretching.stretch(samples, stretch_range)
            features, probabilities = self.colorizer.engine.describe(samples)
            if features is not None:
                features = np.mean(features, axis=0, keepdims=True)
            styles[shot.start] = ShotStyle(self._features(features), stretch_range)
            scenes[shot.start] = None if probabilities is None else np.mean(probabilities, axis=0)
        return styles, scenes, count

    def _features(self, own: np.ndarray | None) -> np.ndarray | None:
        return own if self.settings.style is None else self.settings.style

    def _stretch_range(self, luminance: np.ndarray) -> np.ndarray | None:
        return stretching.span_of(luminance) if self.colorizer.config.stretching else None

    def _prepare(self, frame: av.VideoFrame) -> Inputs:
        """Make the copies of a planar frame, upright, before their contrast is stretched."""
        image, working_size = frames.image_of(frame), self.colorizer.working_size
        height, width = working_shape((image.height, image.width), working_size)
        if image.size != (width, height):
            image = image.resize((width, height), **SHRINKING)
        gray = frames.image_levels(frame).gray_of(np.asarray(image))
        upright = np.ascontiguousarray(np.rot90(gray, _quarter_turns(frame)))
        return prepare(upright, self.colorizer.config.crop_size, working_size, stretch=False)

    def _prepared(
        self, items: Iterable[av.VideoFrame | av.Packet | Sound], styles: dict[int, ShotStyle]
    ) -> Generator[FrameInputs | av.Packet | Sound, None, None]:
        """Yield the items of a film, frames with their copies and the style of their shot."""
        number, shot = 0, None
        for item in items:
            if not isinstance(item, av.VideoFrame):
                yield item
                continue
            frame = frames.planar(item)
            inputs = self._prepare(frame)
            shot = styles.get(number, shot)
            style = shot or ShotStyle(self._features(None), self._stretch_range(inputs.global_))
            yield FrameInputs(frame, inputs, style, number in styles)
            number += 1

    def _colored(
        self, items: Iterable[FrameInputs | av.Packet | Sound], batch: int
    ) -> Generator[FrameInputs | av.Packet | Sound, None, None]:
        """The items of a film, frames with their chrominance."""
        waiting, size = [], 0  # items, and the frames among them
        steadying = Steadying() if self.settings.steady else None
        for item in items:
            waiting.append(item)
            size += isinstance(item, FrameInputs)
            if size == batch or len(waiting) == PACKETS:
                yield from self._color(waiting, steadying)
                waiting, size = [], 0
        yield from self._color(waiting, steadying)

    def _color(
        self, items: list[FrameInputs | av.Packet | Sound], steadying: Steadying | None
    ) -> list[FrameInputs | av.Packet | Sound]:
        """Give the frames among some items their chrominance; returns the items."""
        among = [item for item in items if isinstance(item, FrameInputs)]
        for _, group in itertools.groupby(among, key=lambda each: each.inputs.local.shape):
            alike = list(group)
            copies = (each.inputs.stretched(each.style.stretch_range) for each in alike)
            features = [f for each in alike if (f := each.style.features) is not None]
            planes = self.colorizer.predict(
                Inputs(*map(np.concatenate, zip(*copies))),
                np.concatenate(features) if features else None,
            )
            for each, ab in zip(alike, planes):
                if steadying:
                    if each.begins:
                        steadying.forget()
                    ab = steadying.steadied(each.inputs.local[0], ab)
                if frames.is_title(each.frame):
                    ab = np.zeros_like(ab)
                each.ab = np.rot90(ab, -_quarter_turns(each.frame))
        return items


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Turns to the left, of 90 degrees, that bring a frame upright."""
    return round(frame.rotation / 90)
