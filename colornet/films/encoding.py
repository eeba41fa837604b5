"""How a film's picture is encoded."""

import dataclasses
from typing import Any

import av
from av.codec.codec import UnknownCodecError

from colornet.films import frames, ycbcr
from colornet.films.source import FilmError, reason

CODEC = "libx264"
CRF = 18  # of H.264 and H.265: hardly to be told from the original
PRESET = "veryfast"  # of H.264 and H.265
QUANTIZER = 2  # of encoders without a constant rate factor, unless the user says
BOTTOM_FIRST = 3  # AVFieldOrder: bottom field coded first
_QP_TO_LAMBDA = 118  # FFmpeg's unit of that


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How a film's picture is encoded.

    Attributes:
        codec: name of an FFmpeg encoder, or of a codec.
        quality: constant rate factor, or the quantizer of encoders that have none; lower is
            better. None: CRF for H.264 and H.265, the encoder's own for others.
    """

    codec: str = CODEC
    quality: float | None = None

    def encoder(self) -> av.Codec:
        """The `av.Codec`.

        Raises:
            FilmError: there is no such encoder.
        """
        try:
            encoder = av.Codec(self.codec, "w")
            if encoder.type == "video":
                return encoder
        except UnknownCodecError:
            pass
        raise FilmError(
            f"{self.codec} is no video encoder of FFmpeg; expected one such as libx264, libx265, "
            "libsvtav1 or ffv1"
        )

    def settings(
        self, video: av.VideoStream, first: av.VideoFrame
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """What makes an encoder take a film as it is.

        Args:
            video: the film's `av.VideoStream`.
            first: its first frame, planar.

        Returns:
            (attributes of a codec context, options of the encoder).

        Raises:
            FilmError: the encoder does not take such a film.
        """
        attributes = _attributes(video, first)
        options = self._quality(attributes)
        if self.encoder().name == "libx264" and attributes.get("field_order") == BOTTOM_FIRST:
            options["x264-params"] = "bff=1"  # FFmpeg tells x264 only of frames after the first
        try:
            attributes["pix_fmt"] = self._pixel_format(first, attributes, options)
        except FilmError:
            if self.quality is not None or "qscale" not in attributes:
                raise
            del attributes["qscale"], attributes["global_quality"]  # ProRes has a scale of its own
            attributes["pix_fmt"] = self._pixel_format(first, attributes, options)
        return attributes, options

    def _quality(self, attributes: dict[str, Any]) -> dict[str, str]:
        """Options that set the quality; for some encoders attributes do."""
        encoder = self.encoder()
        known = {o.name for o in av.CodecContext.create(encoder, "w").supported_options.private}
        usual = encoder.name in ("libx264", "libx265")
        options = {"preset": PRESET} if usual else {}
        quality = CRF if self.quality is None and usual else self.quality
        if "crf" in known:
            if quality is not None:
                options["crf"] = f"{quality:g}"
        else:
            attributes["qscale"] = True
            attributes["global_quality"] = round(
                (QUANTIZER if quality is None else quality) * _QP_TO_LAMBDA
            )
        return options

    def _pixel_format(
        self, first: av.VideoFrame, attributes: dict[str, Any], options: dict[str, str]
    ) -> str:
        """The format nearest to the film's with which the encoder takes its size.

        H.264 holds odd sizes only where chroma is not halved.
        """
        encoder = self.encoder()
        formats = [
            each.name
            for each in encoder.video_formats or map(av.VideoFormat, frames.CONVERTIBLE)
            if frames.holds_chroma(each.name)
            and (attributes["color_range"] == frames.FULL_RANGE or "yuvj" not in each.name)
        ]
        error = "it takes no Y'CbCr"
        while formats:
            best = frames.nearest_format(formats, first.format.name)
            try:
                context = av.CodecContext.create(encoder, "w")
                set_all(context, {**attributes, "pix_fmt": best})
                context.options = dict(options)
                context.open()
                return best
            except av.FFmpegError as refused:
                error = reason(refused)
                formats.remove(best)
        raise FilmError(f"{encoder.name} does not take it, {first.width} x {first.height}: {error}")


def _attributes(video: av.VideoStream, first: av.VideoFrame) -> dict[str, Any]:
    """Attributes of a codec context that a film has from the picture it is made of."""
    flags = av.codec.context.Flags
    attributes: dict[str, Any] = {
        "flags": flags.frame_duration,  # else the last one of a variable rate is lost
        "width": first.width,
        "height": first.height,
        "time_base": video.time_base,
        "framerate": video.average_rate or video.guessed_rate or 25,
        "sample_aspect_ratio": video.sample_aspect_ratio or 1,
        "color_range": first.color_range,
        "colorspace": first.colorspace,
        "color_primaries": first.color_primaries,
        "color_trc": first.color_trc,
    }
    if frames.levels_of(first).full:
        attributes["color_range"] = frames.FULL_RANGE
    if first.colorspace not in (*ycbcr.MATRICES, ycbcr.UNSAID):  # gray is the same in all
        attributes["colorspace"] = ycbcr.matrix_of(first.colorspace, first.height)
    if first.interlaced_frame:
        attributes["flags"] |= flags.interlaced_dct | flags.interlaced_me
        attributes["field_order"] = video.codec_context.field_order
    return attributes


def set_all(context: av.CodecContext, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        if name == "flags":
            value |= context.flags
        setattr(context, name, value)
