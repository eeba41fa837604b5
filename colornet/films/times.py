"""Times of films: which part is wanted, clocks that jump, and frames without a time."""

from fractions import Fraction
from typing import Any

import av

BACKWARD, FORWARD = Fraction(1, 2), 10  # seconds; a stream that goes on elsewhere has jumped
INTERLEAVING = 2  # seconds that sound may lie behind the picture in a file


class Part:
    """The part of a film that is wanted.

    Args:
        origin: time of the film's beginning in its file, in seconds.
        start, stop: seconds from there; stop may be None.
        keeps_origin: whether the output's times are the file's, if the part begins with the film;
            else they begin at 0.

    Attributes:
        shift: seconds from the output's times to the file's.
    """

    def __init__(
        self, origin: Fraction, start: Fraction, stop: Fraction | None, keeps_origin: bool
    ) -> None:
        self.begin = origin + start if start else None
        self.end = None if stop is None else origin + stop
        self.shift = Fraction(0) if keeps_origin and not start else origin + start

    def holds(self, when: Fraction) -> bool:
        return (self.begin is None or when >= self.begin) and (self.end is None or when < self.end)

    def is_over(self, packet: av.Packet) -> bool:
        """Whether nothing of the part comes with a packet or after it, in the order of the file."""
        ticks = packet.pts if packet.dts is None else packet.dts  # later frames may be shown before
        if self.end is None or ticks is None:
            return False
        return ticks * packet.time_base >= self.end + INTERLEAVING


class SteadyClock:
    """Takes the jumps out of a running clock, such as that of a spliced broadcast."""

    def __init__(self) -> None:
        self.offset = Fraction(0)  # seconds, since the last jump
        # By the index of a stream: it may jump a little later.
        self.offsets: dict[int, Fraction] = {}
        self.expected: dict[int, Fraction] = {}

    def adjust(self, packet: av.Packet) -> None:
        """Make a packet's times go on where the one before it ended."""
        index, base, offset = packet.stream.index, packet.time_base, self.offset
        if packet.dts is not None and packet.stream.type in ("audio", "video"):
            when, offset = packet.dts * base, self.offsets.get(index, offset)
            if self._jumps(index, when + offset):
                if self._jumps(index, when + self.offset):
                    self.offset = self.expected[index] - when
                offset = self.offset
            self.offsets[index] = offset
            self.expected[index] = when + offset + (packet.duration or 0) * base
        move(packet, offset)

    def _jumps(self, index: int, when: Fraction) -> bool:
        return not -BACKWARD < when - self.expected.get(index, when) < FORWARD


class FrameTimes:
    """Gives a time to frames that have none, or one that does not go forward.

    Args:
        rate: frames per second.
        container: FFmpeg's name of the film's format.
    """

    def __init__(self, rate: Fraction, container: str) -> None:
        self.rate, self.container = rate, container
        self.last: int | None = None

    def adjust(self, frame: Any, video: av.VideoStream) -> None:
        """Give an `av.VideoFrame` of a stream its time."""
        step = max(1, round(1 / self.rate / frame.time_base))
        # AVI has no times, it numbers its packets; the demuxer's guess of the times is wrong where
        # one packet holds two frames of MPEG-4 ("packed B-frames").
        if self.container == "avi" and video.codec_context.name == "mpeg4":
            frame.pts = frame.dts
        if frame.pts is None:
            frame.pts = 0 if self.last is None else self.last + step
        elif self.last is not None and frame.pts <= self.last:
            frame.pts = self.last + 1
        self.last = frame.pts


def time_of(packet: av.Packet) -> Fraction | None:
    """Seconds; None for a packet that has no time."""
    time = packet.dts if packet.pts is None else packet.pts
    return None if time is None else time * packet.time_base


def move(packet: av.Packet, seconds: Fraction) -> None:
    """Let a packet come later."""
    ticks = round(seconds / packet.time_base)
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks


def clock(seconds: Fraction) -> str:
    """Seconds as h:mm:ss.s."""
    tenths = round(max(Fraction(0), seconds) * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}.{tenths % 10}"
