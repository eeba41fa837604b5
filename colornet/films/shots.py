"""Where the shots of a film begin, and what is typical of each."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
from PIL import Image

from colornet.films import ycbcr
from colornet.pictures import colorspace

GRID = 24  # pixels a side of the copies by which frames are compared
CUT = 0.15  # least difference of the frames at a cut, 0 (alike) to 2
ABOVE_MOTION = 2.0  # times as large as the differences just before and after the cut, at least
BLANK = 1.5  # L* units; a frame that spreads less shows nothing
SAMPLES = 16  # frames of a shot that are kept at most

Frame = TypeVar("Frame")


@dataclasses.dataclass
class Shot:
    """A shot and some of its frames.

    Attributes:
        start: number of its first frame.
        samples: of at most SAMPLES frames, evenly spread over the shot.
        stride: frames from one sample to the next.
        length: in frames.
    """

    start: int
    samples: list[np.ndarray] = dataclasses.field(default_factory=list)
    stride: int = 1
    length: int = 0

    def add(self, frame: Frame, sample: Callable[[Frame], np.ndarray]) -> None:
        """Count a frame, and keep every stride-th; the stride doubles when there are many."""
        if self.length % self.stride == 0:
            if len(self.samples) == SAMPLES:
                self.samples, self.stride = self.samples[::2], 2 * self.stride
            if self.length % self.stride == 0:
                self.samples.append(sample(frame))
        self.length += 1


class Cuts:
    """Finds hard cuts in the order of frames, one frame behind.

    A cut is where all pairs of the two frames before and the two after differ, by more than motion
    on either side makes frames differ. Means and contrasts do not count, so that fades, flashes and
    a flickering lamp are no cuts; frames that show nothing count as the last that did, so that one
    scene that fades out to make place for another ends there.
    """

    def __init__(self) -> None:
        self.recent: list[np.ndarray] = []  # normalized copies of the last four frames

    def add(self, gray: np.ndarray) -> bool:
        """Take the next frame; return whether the frame before it was the first of a shot.

        Args:
            gray: L* (GRID, GRID), of `coarse`.
        """
        copy = gray - gray.mean()
        spread = np.sqrt(np.mean(copy * copy))
        if spread > BLANK:
            copy = copy / spread
        else:
            copy = self.recent[-1] if self.recent else np.zeros_like(copy)
        self.recent = [*self.recent[-3:], copy]
        if len(self.recent) == 2:  # the film's first frame stands for the one before it
            self.recent.insert(0, self.recent[0])
        return len(self.recent) == 4 and _is_cut(*self.recent)

    def end(self) -> bool:
        """Whether the film's last frame was the first of a shot."""
        if len(self.recent) < 3:
            return False
        before, last, first = self.recent[-3:]
        return _is_cut(before, last, first, first)


def _is_cut(before: np.ndarray, last: np.ndarray, first: np.ndarray, after: np.ndarray) -> bool:
    across = min(_difference(one, other) for one in (before, last) for other in (first, after))
    within = max(_difference(before, last), _difference(first, after))
    return across > max(CUT, ABOVE_MOTION * within)


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return 1 - float(np.mean(one * other))


def coarse(image: Image.Image, levels: ycbcr.Levels) -> np.ndarray:
    """L* (GRID, GRID) of an 8-bit luma plane as a PIL image, by which `Cuts` compares frames."""
    small = image.resize((GRID, GRID), Image.Resampling.BOX, reducing_gap=2.0)
    return colorspace.gray_to_lightness(levels.gray_of(np.asarray(small)))


def find_shots(
    frames: Iterable[Frame],
    grid: Callable[[Frame], np.ndarray],
    sample: Callable[[Frame], np.ndarray],
) -> Iterator[Shot]:
    """Find the shots of a film, each as soon as its last frame is known.

    Args:
        frames: of the film, of any type but None.
        grid: function from a frame to what `coarse` makes of it.
        sample: function from a frame to the sample that is kept of it.

    Yields:
        Shot.
    """
    shot, cuts, last = Shot(0), Cuts(), None
    for number, frame in enumerate(frames):
        if cuts.add(grid(frame)):
            yield shot
            shot = Shot(number - 1)
        if last is not None:
            shot.add(last, sample)
        last = frame
    if last is not None:
        if cuts.end():
            yield shot
            shot = Shot(number)
        shot.add(last, sample)
        yield shot
