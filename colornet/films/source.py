"""Reading films: what they are, their frames, and what is copied beside the frames."""

import dataclasses
import os
from collections.abc import Collection, Generator, Iterator
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer

from colornet.errors import ImageError
from colornet.files import printable
from colornet.films import times

MICROSECONDS = Fraction(1, 1_000_000)  # of containers' times
SHORT_OF = 0.1  # seconds; a film that ends this much before the end that its header tells is cut
SEEK_EARLY = 1  # seconds; an index may be a little off
_RUNNING_CLOCKS = ("mpegts", "mpeg")  # formats whose first time is an accident
UNREAD = 4096  # bytes between two packets of Matroska, whose own words take a few dozen
_TELL_LENGTH = ("matroska", "mov", "avi", "asf", "flv")  # formats whose header is to be believed


class FilmError(ImageError):
    """A film that cannot be used; its text is the reason."""


@dataclasses.dataclass(frozen=True)
class Sound:
    """A decoded piece of an audio stream, for outputs that cannot hold the stream's own codec."""

    stream: int
    frame: av.AudioFrame


class FilmSource:
    """A film, to be read as often as needed.

    Args:
        path: any file FFmpeg opens.
        start, stop: seconds from the film's beginning, of the part that is wanted; stop may be
            None.

    Attributes:
        first: its first frame, an `av.VideoFrame`.
        rate: frames a second, on average.
        expected: frames that its header promises in the part; None if it does not.
        damage: what is wrong with it, known once it was read; None if nothing is.

    Raises:
        FilmError: it cannot be opened, or has no picture that can be decoded.
    """

    def __init__(
        self, path: str, start: Fraction = Fraction(0), stop: Fraction | None = None
    ) -> None:
        self.path, self.start, self.stop = path, start, stop
        self.damage: str | None = None
        with self.open() as container:
            video = picture_of(container)
            rate = video.average_rate or video.guessed_rate or 25
            self.rate = Fraction(rate)
            self.expected = self._expected(container, video)
            first = next(_decoded(container, video), None)
        if first is None:
            raise FilmError("damaged: not one frame can be decoded")
        self.first = first

    def open(self) -> av.container.InputContainer:
        """The film as an `av.container.InputContainer`."""
        try:
            # Of "Metropolis:1927.mp4" by itself FFmpeg would take the beginning for a protocol.
            return av.open(os.path.abspath(self.path), metadata_errors="replace")
        except av.FFmpegError as error:
            raise FilmError(f"not a film that can be read: {reason(error)}") from None

    def _expected(self, container: InputContainer, video: av.VideoStream) -> int | None:
        seconds = container.duration and container.duration * MICROSECONDS
        if video.frames and not self.start and self.stop is None:
            return video.frames
        if seconds and self.stop is not None:
            seconds = min(seconds, self.stop)
        return max(1, round((seconds - self.start) * self.rate)) if seconds else None

    def frames(self) -> Generator[av.VideoFrame, None, None]:
        """The part's `av.VideoFrame`s."""
        return (frame for frame in self.read(()) if isinstance(frame, av.VideoFrame))

    def read(
        self, copied: Collection[int], decoded: Collection[int] = ()
    ) -> Generator[av.VideoFrame | av.Packet | Sound, None, None]:
        """Read the part's frames, and what other streams hold, in the order of the file.

        Args:
            copied: indices of the streams whose packets are wanted.
            decoded: indices of the audio streams whose sound is wanted.

        Yields:
            `av.VideoFrame`, `av.Packet`, and `Sound`, their times those of the output: the film's
            own, but from 0 if the part does not begin with the film.
        """
        self.damage = None
        with self.open() as container:
            video = picture_of(container)
            origin = Fraction(container.start_time or 0) * MICROSECONDS
            running = container.format.name in _RUNNING_CLOCKS
            part = times.Part(origin, self.start, self.stop, keeps_origin=not running)
            if part.begin is not None:
                self._seek(container, part.begin - SEEK_EARLY)
            frame_times, reached = times.FrameTimes(self.rate, container.format.name), origin
            for packet in self._packets(container, video, part):
                when = times.time_of(packet)
                if when is not None:
                    reached = max(reached, when + (packet.duration or 0) * packet.time_base)
                if packet.stream.index == video.index:  # the packet's own index says 0 at its end
                    for frame in self._frames_of(packet, origin):
                        frame_times.adjust(frame, video)
                        if part.holds(frame.pts * frame.time_base):
                            frame.pts -= round(part.shift / frame.time_base)
                            yield frame
                elif packet.stream.index in decoded:
                    for frame in self._frames_of(packet, origin):
                        if frame.pts is not None and part.holds(frame.pts * frame.time_base):
                            frame.pts -= round(part.shift / frame.time_base)
                            yield Sound(packet.stream.index, frame)
                elif packet.stream.index in copied and packet.size:
                    if when is None or part.holds(when):  # a cover has no time
                        times.move(packet, -part.shift)
                        yield packet
            if self.stop is None:
                self._check_length(container, video, reached - origin)

    def _seek(self, container: InputContainer, when: Fraction) -> None:
        try:
            container.seek(int(when / MICROSECONDS))
        except av.FFmpegError:  # no index: it is decoded from its beginning
            container.seek(0)

    def _packets(
        self, container: InputContainer, video: av.VideoStream, part: times.Part
    ) -> Iterator[av.Packet]:
        """Packets to the part's end, or to where the film cannot be read on."""
        steady_clock = times.SteadyClock() if container.format.name in _RUNNING_CLOCKS else None
        try:
            for packet in self._whole(container):
                if steady_clock:
                    steady_clock.adjust(packet)
                if part.is_over(packet):
                    rest = av.Packet()  # has the decoder give the frames that it holds
                    rest.stream, rest.time_base = video, video.time_base or MICROSECONDS
                    yield rest
                    return
                yield packet
        except av.FFmpegError as error:
            self._note(f"{reason(error)}; coloured up to there")

    def _whole(self, container: InputContainer) -> Iterator[av.Packet]:
        """Packets as they come; notes where the demuxer passes over something in silence."""
        matroska, end = container.format.name.startswith("matroska"), None
        while True:
            try:
                for packet in container.demux():
                    if matroska and packet.size and packet.pos is not None:
                        if end is not None and packet.pos > end + UNREAD:
                            self._note("a stretch of it cannot be read; the rest is coloured")
                        end = packet.pos + packet.size
                    yield packet
                return
            except IndexError:  # PyAV knows the streams that were there when it was opened
                self._note("a stream that begins within it is left out")

    def _note(self, damage: str) -> None:
        self.damage = self.damage or f"damaged: {damage}"

    def _frames_of(self, packet: av.Packet, origin: Fraction) -> list[Any]:
        """Frames of a packet; what cannot be decoded is left out, and noted as damage."""
        try:
            frames, damaged = packet.decode(), packet.is_corrupt
        except av.FFmpegError:
            frames, damaged = [], True
        if (damaged or any(frame.is_corrupt for frame in frames)) and not self.damage:
            when = times.time_of(packet)
            where = "" if when is None else f" at {times.clock(when - origin)}"
            self.damage = f"damaged{where}; what can be decoded is coloured"
        return frames

    def _check_length(
        self, container: InputContainer, video: av.VideoStream, reached: Fraction
    ) -> None:
        if not container.format.name.startswith(_TELL_LENGTH):
            return
        length = (container.duration or 0) * MICROSECONDS
        if video.frames and container.format.name == "avi":  # its length is guessed by its size
            length = video.frames / self.rate
        if reached + SHORT_OF < length and not self.damage:
            self.damage = (
                f"damaged: it ends at {times.clock(reached)}, but its header says "
                f"{times.clock(length)}; coloured up to there"
            )


def picture_of(container: InputContainer) -> av.VideoStream:
    """Return the video stream of a film that is the film itself: its largest, and no cover."""
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]
    if not streams:
        raise FilmError("no moving picture in it")
    streams = [stream for stream in streams if stream.codec_context is not None]
    if not streams:
        raise FilmError("no decoder for its picture")
    largest = max(streams, key=lambda stream: stream.width * stream.height)
    largest.thread_type = "AUTO"
    return largest


def _decoded(container: InputContainer, video: av.VideoStream) -> Iterator[av.VideoFrame]:
    for packet in container.demux(video):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue


def reason(error: Exception) -> str:
    """One line of an error of FFmpeg or of the system."""
    return printable(getattr(error, "strerror", None) or str(error)).lower()
