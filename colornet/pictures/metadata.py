"""What a coloured picture keeps of its file's EXIF."""

from PIL import ExifTags, Image

# EXIF that tells of the photograph; the rest tells how its file is laid out, or which way is up.
_EXIF_KEPT = tuple(
    ExifTags.Base[name]
    for name in (
        "ImageDescription",
        "Make",
        "Model",
        "XResolution",
        "YResolution",
        "ResolutionUnit",
        "Software",
        "DateTime",
        "Artist",
        "Copyright",
        "Rating",
        "RatingPercent",
        "XPTitle",
        "XPComment",
        "XPAuthor",
        "XPKeywords",
        "XPSubject",
    )
)


def exif_bytes(exif, shape):
    """EXIF of the upright sRGB picture of some shape (height, width); b"" if there is none."""
    kept = Image.Exif()
    now = {
        ExifTags.Base.ColorSpace: 1,
        ExifTags.Base.ExifImageWidth: shape[1],
        ExifTags.Base.ExifImageHeight: shape[0],
    }
    try:
        kept.update({tag: exif[tag] for tag in _EXIF_KEPT if tag in exif})
        details, place = map(exif.get_ifd, (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo))
        details = {
            tag: now.get(tag, value)
            for tag, value in details.items()
            if tag != ExifTags.IFD.Interop
        }
        kept.update(
            {
                tag: values
                for tag, values in ((ExifTags.IFD.Exif, details), (ExifTags.IFD.GPSInfo, place))
                if values
            }
        )
        return kept.tobytes() if len(kept) else b""
    except Exception:  # damaged EXIF is no reason to refuse a picture
        return b""
