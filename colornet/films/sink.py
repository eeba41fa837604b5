"""Writing films: the new picture, and everything else as it was."""

import os
import struct
from collections.abc import Iterable, Sequence
from typing import Any, Self

import av
from av.container import InputContainer

from colornet.films import frames, source
from colornet.films.encoding import Encoding, set_all
from colornet.films.source import FilmError, Sound

# Lossless encoders of sound that a format cannot hold as it is; of others, PCM.
_LOSSLESS = {"matroska": "flac", "webm": "flac", "mp4": "alac", "mov": "alac", "ipod": "alac"}
_OWN_TAGS = ("major_brand", "minor_version", "compatible_brands", "encoder")
# Tags in which Matroska's writers count what was encoded.
_COUNTS = ("BPS", "DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "_STATISTICS", "ENCODER")
# Tags that MP4 has a place for; with others its files get a list that fewer players read.
_MP4_TAGS = frozenset(
    "title artist album album_artist composer comment copyright date genre lyrics description "
    "synopsis show episode_id network keywords season_number episode_sort grouping track disc "
    "compilation media_type hd_video gapless_playback rating creation_time".split()
)


class Sink:
    """A film that is being written; a context that closes it.

    Args:
        path: its ending tells the format.
        film: the `source.FilmSource` it is made of.
        encoding: an `encoding.Encoding`.

    Attributes:
        copied: indices of the source's streams whose packets are to be given to `write`.
        converted: indices of those whose decoded sound is to be given to `write`.
        remarks: what its user should know: streams that the output does not hold as they are.
        pixel_format: of the frames that are to be given to `encode`.

    Raises:
        FilmError: the encoder does not take the film, or the format does not hold all of it.
    """

    def __init__(self, path: str, film: source.FilmSource, encoding: Encoding) -> None:
        self.film = film
        self.copies: dict[int, av.stream.Stream] = {}
        self.sounds: dict[int, Any] = {}
        self.remarks: list[str] = []
        if path.lower().endswith(".avi"):
            raise FilmError("AVI does not hold the times of frames; give an output ending in .mkv")
        with film.open() as template:
            try:
                self.container = av.open(path, "w", container_options=_options(path, template))
                picture = source.picture_of(template)
                for stream in template.streams:
                    if stream.index == picture.index:
                        self._add_picture(picture, encoding)
                    elif not (_codec_of(stream) == "bin_data" and template.chapters()):  # titles
                        self._add_copy(stream)
            except (av.FFmpegError, ValueError) as error:
                raise FilmError(f"cannot be saved: {source.reason(error)}") from None
            _update(self.container.metadata, template.metadata, _OWN_TAGS)
            chapters = _chapters(template.chapters(), film)
            if chapters:
                self.container.set_chapters(chapters)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    @property
    def copied(self) -> frozenset[int]:
        return frozenset(self.copies)

    @property
    def converted(self) -> frozenset[int]:
        return frozenset(self.sounds)

    def _add_picture(self, stream: av.VideoStream, encoding: Encoding) -> None:
        first = frames.planar(self.film.first)
        if _is_transparent(self.film.first):
            self.remarks.append("left out: transparency")
        if "MASTERING_DISPLAY_METADATA" in first.side_data:
            self.remarks.append("left out: HDR mastering data")
        attributes, options = encoding.settings(stream, first)
        self.pixel_format = attributes["pix_fmt"]
        codec = encoding.encoder().name
        self.video = self._new_stream(codec, attributes["framerate"])
        set_all(self.video.codec_context, attributes)
        self.video.codec_context.options = options
        self.video.time_base = attributes["time_base"]
        matrix: Any = first.side_data.get("DISPLAYMATRIX")
        if matrix:
            self.video.set_display_matrix(struct.unpack("9i", bytes(matrix)))
        _update(self.video.metadata, stream.metadata, _COUNTS)
        self.video.disposition = stream.disposition

    def _new_stream(self, codec: str, rate: Any) -> Any:
        """Return a new stream of the output, for an encoder."""
        try:
            return self.container.add_stream(codec, rate)
        except ValueError:
            raise FilmError(
                f"{os.path.splitext(self.container.name)[1]} does not hold {codec}; give another "
                "--codec, or an output that ends in .mkv"
            ) from None

    def _add_copy(self, stream: av.stream.Stream) -> None:
        """Have a stream's packets copied, or say that it is left out."""
        codec = _codec_of(stream)
        kind = f"{stream.type} stream {stream.index} ({codec})"
        matroska = self.container.format.name == "matroska"
        if stream.type == "attachment" and not matroska:
            self.remarks.append(f"left out: {kind}, which only .mkv holds")
            return
        if _is_cover(stream) and matroska:
            self.container.add_attachment(*_cover_of(stream))
            return
        if stream.type not in ("audio", "subtitle", "attachment") and not _is_cover(stream):
            self.remarks.append(f"left out: {kind}")
            return
        try:
            copy = self.container.add_stream_from_template(stream, opaque=True)
        except ValueError:
            if stream.codec_context is None:
                self.remarks.append(f"left out: {kind}, which FFmpeg cannot copy")
            elif stream.type == "audio":
                self._add_sound(stream, kind)
            elif matroska:
                self.remarks.append(f"left out: {kind}, which .mkv does not hold")
            else:
                ending = os.path.splitext(self.container.name)[1]
                raise FilmError(
                    f"{ending} does not hold its {stream.type} ({codec}); give an output that ends "
                    "in .mkv"
                ) from None
            return
        _update(copy.metadata, stream.metadata, ())
        copy.disposition = stream.disposition
        if stream.type != "attachment":
            self.copies[stream.index] = copy

    def _add_sound(self, stream: Any, kind: str) -> None:
        """Have an audio stream encoded without loss."""
        wide = stream.format.bits > 16
        name = _LOSSLESS.get(self.container.format.name, "pcm_s24le" if wide else "pcm_s16le")
        encoder = av.Codec(name, "w")
        sound = self._new_stream(name, stream.rate)
        sound.format = next(
            each.name for each in encoder.audio_formats or () if (each.bits > 16) == wide
        )
        sound.layout = {1: "mono", 2: "stereo"}.get(stream.channels, stream.layout.name)
        _update(sound.metadata, stream.metadata, _COUNTS)
        sound.disposition = stream.disposition
        self.sounds[stream.index] = sound
        self.remarks.append(f"{kind} is stored as {name}, without loss")

    def write(self, item: av.Packet | Sound) -> None:
        """Write what comes beside the picture."""
        if isinstance(item, Sound):
            self._encode(self.sounds[item.stream], item.frame)
        else:
            item.stream = self.copies[item.stream_index]
            self._write(item)

    def finish(self) -> None:
        """Write what the encoders still hold; the last call."""
        for stream in (self.video, *self.sounds.values()):
            self._encode(stream, None)

    def encode(self, frame: av.VideoFrame) -> None:
        """Write a frame of pixel_format."""
        self._encode(self.video, frame)

    def _encode(self, stream: Any, frame: av.VideoFrame | av.AudioFrame | None) -> None:
        try:
            packets = stream.encode(frame)
        except av.FFmpegError as error:
            raise FilmError(f"cannot encode: {source.reason(error)}") from None
        self._write(packets)

    def _write(self, packets: av.Packet | Sequence[av.Packet]) -> None:
        try:
            self.container.mux(packets)
        except av.FFmpegError as error:
            raise FilmError(f"cannot be saved: {source.reason(error)}") from None


def _options(path: str, template: InputContainer) -> dict[str, str]:
    """Options of the output's format."""
    own = os.path.splitext(path)[1].lower() != ".mkv" and not (
        template.metadata.keys() <= {*_MP4_TAGS, *_OWN_TAGS}
    )
    return {"movflags": "use_metadata_tags"} if own else {}


def _is_transparent(frame: av.VideoFrame) -> bool:
    if not any(each.is_alpha for each in frame.format.components):
        return False
    return bool(frame.to_ndarray(format="rgba")[..., 3].min() < 255)


def _codec_of(stream: av.stream.Stream) -> str:
    """Return the name of a stream's codec, also of one that FFmpeg has no decoder for."""
    return stream.codec_context.name if stream.codec_context else "unknown codec"


def _is_cover(stream: av.stream.Stream) -> bool:
    return stream.type == "video" and bool(stream.disposition & av.stream.Disposition.attached_pic)


def _cover_of(stream: Any) -> tuple[str, str, bytes]:
    """(file name, kind, content) of a film's cover."""
    content = next(bytes(packet) for packet in stream.container.demux(stream))
    ending = {"mjpeg": "jpeg"}.get(stream.codec_context.name, stream.codec_context.name)
    return f"cover.{ending}", f"image/{ending}", content


def _update(metadata: dict[str, str], tags: dict[str, str], but: tuple[str, ...]) -> None:
    metadata.update({key: text for key, text in tags.items() if not key.startswith(but or "\0")})


def _chapters(chapters: Iterable[Any], film: source.FilmSource) -> list[Any]:
    """The chapters of a part of a film, their times those of the output."""
    kept = []
    for chapter in chapters:
        base = chapter["time_base"]
        start, end = chapter["start"] * base - film.start, chapter["end"] * base - film.start
        length = None if film.stop is None else film.stop - film.start
        if end > 0 and (length is None or start < length):
            end = end if length is None else min(end, length)
            kept.append({**chapter, "start": round(max(start, 0) / base), "end": round(end / base)})
    return kept
