"""Colours a film: a first pass finds its shots, a second colours and writes it."""

import contextlib
import dataclasses
import itertools
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from fractions import Fraction

import av
import numpy as np

from colornet import files
from colornet.coloring.colorizer import SHRINKING, Colorizer, working_shape
from colornet.files import printable
from colornet.films import frames, shots
from colornet.films.ahead import ahead
from colornet.films.encoding import Encoding
from colornet.films.sink import Sink
from colornet.films.source import FilmError, FilmSource, reason
from colornet.films.steadying import Steadying
from colornet.pictures import ycbcr
from colornet.progress import Bar

# Of what is being done, and of how many frames, if that is known.
Progress = Callable[[str, int | None], Bar]

BATCH = 8  # frames that the network colours at once
PACKETS = 256  # frames and packets of sound that wait for a batch, at most: sound may go on alone
BYTES_AHEAD = 48 << 20  # of frames that wait for the next stage, at most


@dataclasses.dataclass(frozen=True)
class FilmSettings:
    """How films are coloured.

    Attributes:
        style: of `Colorizer.style_of`, for every frame; None: a film's own.
        steady: whether colours are held still within shots.
        start, stop: seconds of the part to colour; stop may be None.
        encoding: an `Encoding`.
    """

    style: np.ndarray | None = None
    steady: bool = True
    start: Fraction = Fraction(0)
    stop: Fraction | None = None
    encoding: Encoding = Encoding()


@dataclasses.dataclass
class Outcome:
    """What became of a film.

    Attributes:
        frames: how many were coloured.
        scenes: of each shot, by the number of its first frame, the probabilities of its scenes;
            empty if no shots were looked for.
        left_out: descriptions of its streams that the output does not hold.
        damage: what is wrong with the film; None if nothing is.
    """

    frames: int = 0
    scenes: dict[int, np.ndarray | None] = dataclasses.field(default_factory=dict)
    left_out: list[str] = dataclasses.field(default_factory=list)
    damage: str | None = None


@dataclasses.dataclass(frozen=True)
class Look:
    """What the frames of a shot have in common.

    Attributes:
        features: mean global features (256 width); None if frames are to have their own, or the
            network none.
        span: of `Colorizer.span_of`, of all its samples.
    """

    features: np.ndarray | None
    span: np.ndarray | None


@dataclasses.dataclass
class Seen:
    """A frame and its small copies.

    Attributes:
        frame: planar `av.VideoFrame`.
        local_copy, global_copy: as of `Colorizer.luminance_copies`, upright.
        look: of its shot, or its own.
        begins: whether it is the first of its shot.
        ab: float32 chrominance, the way up that the frame is stored; there once it was made.
    """

    frame: av.VideoFrame
    local_copy: np.ndarray
    global_copy: np.ndarray
    look: Look
    begins: bool
    ab: np.ndarray = dataclasses.field(init=False)


class FilmColorizer:
    """A `Colorizer` and settings, for any number of films."""

    def __init__(self, colorizer: Colorizer, settings: FilmSettings) -> None:
        self.colorizer, self.settings = colorizer, settings

    def color(self, path: str, target: str, progress: Progress) -> Outcome:
        """Colour one film.

        Args:
            path: the film.
            target: where it is written, whole or not at all; its ending tells the format.
            progress: function of what is being done and the number of frames, if known, to a
                context with `update()`, which is called with each frame.

        Returns:
            Outcome.

        Raises:
            FilmError: it cannot be read, or the result not be saved.
            MemoryError: its frames are too large for the network.
        """
        film, outcome = FilmSource(path, self.settings.start, self.settings.stop), Outcome()
        try:
            os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            with files.whole_path(target) as partial:
                self._write(film, partial, outcome, progress)
        except (OSError, av.FFmpegError) as error:
            raise FilmError(f"cannot be saved as {printable(target)}: {reason(error)}") from None
        return outcome

    def _write(self, film: FilmSource, partial: str, outcome: Outcome, progress: Progress) -> None:
        with Sink(partial, film, self.settings.encoding) as sink:
            outcome.left_out = sink.remarks
            looks: dict[int, Look] = {}
            expected = film.expected
            if self.settings.steady:
                with progress("looking for shots", expected) as bar:
                    looks, outcome.scenes, expected = self._find_shots(film, bar)
            first = frames.planar(film.first)
            matrix = ycbcr.matrix_of(first.colorspace, first.height)
            depth = max(2, min(16, BYTES_AHEAD // frames.bytes_of(first)))
            items = ahead(self._seen(film.read(sink.copied, sink.converted), looks), depth)
            colored = ahead(self._colored(items, min(BATCH, depth)), depth)
            with contextlib.closing(colored), progress("coloring", expected) as bar:
                for item in colored:
                    if not isinstance(item, Seen):
                        sink.write(item)
                        continue
                    sink.encode(frames.with_chroma(item.frame, item.ab, sink.pixel_format, matrix))
                    outcome.frames += 1
                    bar.update()
            sink.finish()
            outcome.damage = film.damage
        if not outcome.frames:
            raise FilmError("no frame in that part; expected --from and --to within its length")

    def _find_shots(
        self, film: FilmSource, bar: Bar
    ) -> tuple[dict[int, Look], dict[int, np.ndarray | None], int]:
        """The shots of a film.

        Returns:
            (looks by the number of each shot's first frame, probabilities of its scenes likewise,
            number of frames).
        """
        looks: dict[int, Look] = {}
        scenes: dict[int, np.ndarray | None] = {}
        count = 0

        def seen() -> Iterator[tuple[np.ndarray, Callable[[], np.ndarray]]]:
            nonlocal count
            for frame in ahead(film.frames(), BATCH):
                frame = frames.planar(frame)
                image = frames.image_of(frame)
                levels = dataclasses.replace(frames.levels_of(frame), bits=8)

                def sample(frame: av.VideoFrame = frame) -> np.ndarray:
                    return self._copies(frame)[1]

                yield shots.coarse(image, levels), sample
                count += 1
                bar.update()

        for shot in shots.find_shots(seen()):
            span = self.colorizer.span_of(np.concatenate(shot.samples))
            features, scenes[shot.start] = (
                None if each is None else np.mean(each, axis=0)
                for each in self.colorizer.describe(
                    self.colorizer.seen(np.stack(shot.samples), span)
                )
            )
            looks[shot.start] = Look(features, span)
        return looks, scenes, count

    def _copies(self, frame: av.VideoFrame) -> tuple[np.ndarray, np.ndarray]:
        """Copies (local, global) of a planar frame, upright: `Colorizer.luminance_copies`."""
        image, levels = frames.image_of(frame), frames.levels_of(frame)
        height, width = working_shape((image.height, image.width), self.colorizer.working_size)
        if image.size != (width, height):
            image = image.resize((width, height), **SHRINKING)
        gray = dataclasses.replace(levels, bits=8).gray_of(np.asarray(image))
        upright = np.ascontiguousarray(np.rot90(gray, _quarter_turns(frame)))
        return self.colorizer.luminance_copies(upright)

    def _seen(
        self, items: Iterable[av.VideoFrame | av.Packet], looks: dict[int, Look]
    ) -> Generator[Seen | av.Packet, None, None]:
        """The items of a film; of frames, what the network is to see, and the shot's look."""
        number, shot = 0, None
        for item in items:
            if not isinstance(item, av.VideoFrame):
                yield item
                continue
            frame = frames.planar(item)
            copies = self._copies(frame)
            shot = looks.get(number, shot)
            look = shot or Look(None, self.colorizer.span_of(copies[1]))
            yield Seen(frame, *copies, look, number in looks)
            number += 1

    def _colored(
        self, items: Iterable[Seen | av.Packet], batch: int
    ) -> Generator[Seen | av.Packet, None, None]:
        """The items of a film, frames with their chrominance."""
        waiting, size = [], 0  # items, and the frames among them
        steadying = Steadying() if self.settings.steady else None
        for item in items:
            waiting.append(item)
            size += isinstance(item, Seen)
            if size == batch or len(waiting) == PACKETS:
                yield from self._color(waiting, steadying)
                waiting, size = [], 0
        yield from self._color(waiting, steadying)

    def _color(
        self, items: list[Seen | av.Packet], steadying: Steadying | None
    ) -> list[Seen | av.Packet]:
        """Give the frames among some items their chrominance; returns the items."""
        seen = [item for item in items if isinstance(item, Seen)]
        for _, group in itertools.groupby(seen, key=lambda each: each.local_copy.shape):
            alike = list(group)
            seen_copies = [self.colorizer.seen(each.local_copy, each.look.span) for each in alike]
            planes = self.colorizer.chrominance(np.stack(seen_copies), self._features(alike))
            for each, seen_copy, ab in zip(alike, seen_copies, planes):
                ab = self.colorizer.adjusted(ab, seen_copy)
                if steadying:
                    if each.begins:
                        steadying.forget()
                    ab = steadying.steadied(each.local_copy, ab)
                each.ab = np.rot90(ab, -_quarter_turns(each.frame))
        return items

    def _features(self, seen: Sequence[Seen]) -> np.ndarray | None:
        """Global features (batch, 256 width) for some frames; None without such."""
        if self.settings.style is not None:
            return np.repeat(self.settings.style, len(seen), axis=0)
        if not self.settings.steady:
            copies = [self.colorizer.seen(each.global_copy, each.look.span) for each in seen]
            return self.colorizer.describe(np.stack(copies))[0]
        features = [each.look.features for each in seen if each.look.features is not None]
        return np.stack(features) if features else None


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Turns to the left, of 90 degrees, that bring a frame upright."""
    return round(frame.rotation / 90)
