"""Formats by first bytes and by names' endings: which open or are saved, and what others are."""

import os

# Endings of photographs that open.
ENDINGS = frozenset(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .tif .tiff .webp .bmp .dib .gif .heic .heif .hif .avif "
    ".jp2 .j2k .j2c .jpc .jpf .jpx .ppm .pgm .pbm .pnm .pfm .tga .psd .pcx .ico .icns .sgi .qoi "
    ".dds .xbm .xpm .pcd".split()
)
MAX_PIXELS = 200_000_000  # larger pictures are refused by their headers, unless their user says
# Formats for saving, that hold colour well, with the ending of each; any other input becomes PNG.
ENDING_OF = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp", "BMP": ".bmp"}
FORMAT_OF = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".bmp": "BMP",
}

RAW = "camera raw"
RAW_REASON = "a camera's raw file; develop it first (what else is in it is a small preview)"
# Known by name, and not opened.
_CLOSED_ENDINGS = {
    RAW: ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mef .mos .mrw .nef .nrw"
    " .orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f",
    "JPEG XL": ".jxl",
    "JPEG-LS": ".jls",
    "JPEG XR": ".jxr .wdp .hdp",
    "Photoshop's large format": ".psb",
    "PAM": ".pam",
    "GIMP": ".xcf",
    "OpenEXR": ".exr",
    "Radiance HDR": ".hdr",
    "DICOM": ".dcm",
    "DjVu": ".djvu .djv",
    "FITS": ".fit .fits",
    "PDF": ".pdf",
    "PostScript": ".eps .ps .ai",
    "vector graphics": ".svg .svgz .wmf .emf .cdr",
}
_CLOSED = {ending: kind for kind, text in _CLOSED_ENDINGS.items() for ending in text.split()}
# (first bytes, how many bytes precede them, kind): also not opened.
_CLOSED_STARTS = (
    (b"\xff\x0a", 0, "JPEG XL"),
    (b"\0\0\0\x0cJXL ", 0, "JPEG XL"),
    (b"FUJIFILMCCD-RAW", 0, RAW),
    (b"IIRO", 0, RAW),
    (b"IIRS", 0, RAW),
    (b"MMOR", 0, RAW),
    (b"IIU\0", 0, RAW),
    (b"FOVb", 0, RAW),
    (b"\0MRM", 0, RAW),
    (b"HEAPCCDR", 6, RAW),
    (b"CR\x02\0", 8, RAW),
    (b"ftypcrx ", 4, RAW),
    (b"II\xbc\x01", 0, "JPEG XR"),
    (b"8BPS\0\2", 0, "Photoshop's large format"),
    (b"P7\n", 0, "PAM"),
    (b"PF\n", 0, "PFM in colour"),
    (b"gimp xcf", 0, "GIMP"),
    (b"v/1\x01", 0, "OpenEXR"),
    (b"#?RADIANCE", 0, "Radiance HDR"),
    (b"DICM", 128, "DICOM"),
    (b"AT&TFORM", 0, "DjVu"),
    (b"SIMPLE  =", 0, "FITS"),
    (b"%PDF", 0, "PDF"),
    (b"%!PS", 0, "PostScript"),
    (b"\xc5\xd0\xd3\xc6", 0, "PostScript"),
    (b"<svg", 0, "vector graphics"),
    (b"\xd7\xcd\xc6\x9a", 0, "vector graphics"),
    (b" EMF", 40, "vector graphics"),
    (b"BPG\xfb", 0, "BPG"),
    (b"FLIF", 0, "FLIF"),
)
_PHOTOSHOP = b"8BPS\0\1"
# First bytes of formats that open; a file that does not is damaged.
_OPEN_STARTS = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    _PHOTOSHOP,
    b"RIFF",
    b"qoif",
    b"DDS ",
    b"\xff\x4f\xff\x51",
    b"\0\0\0\x0cjP  ",
)
_ISO = {  # brands of files that begin with a "ftyp" box
    **dict.fromkeys((b"mif1", b"miaf"), "HEIF"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "HEIF"),
    **dict.fromkeys((b"isom", b"iso2", b"mp41", b"mp42", b"M4V ", b"qt  ", b"avc1"), "a film"),
}
HEAD = 2048  # bytes that tell


def is_picture_name(path: str | os.PathLike[str]) -> bool:
    """Whether the ending is one of photographs that open."""
    return _ending(path) in ENDINGS


def kind_of_name(path: str | os.PathLike[str]) -> str | None:
    """The known format that a name's ending stands for and that is not opened, or None."""
    return _CLOSED.get(_ending(path))


def _ending(path: str | os.PathLike[str]) -> str:
    return os.path.splitext(path)[1].lower()


def iso_kind(head: bytes) -> str | None:
    """ "AVIF", "HEIF" or "a film" by a file's first bytes, or None."""
    if head[4:8] != b"ftyp":
        return None
    brands = [head[8:12], *(head[i : i + 4] for i in range(16, head[3] or 16, 4))]
    kinds = {_ISO.get(brand) for brand in brands}
    if "HEIF" in kinds and b"av01" in head:  # brands that say the container alone
        return "AVIF"
    return next((kind for kind in ("AVIF", "HEIF", "a film") if kind in kinds), None)


def why_closed(head: bytes) -> str | None:
    """Why a file is not opened, by its first bytes; None where it may be."""
    kind = "a film" if iso_kind(head) == "a film" else None
    for start, before, name in _CLOSED_STARTS:
        if head[before : before + len(start)] == start:
            kind = name
    if b"svg" in head and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<!")):
        kind = "vector graphics"
    bits = int.from_bytes(head[22:24])
    if head.startswith(_PHOTOSHOP) and bits in (16, 32):
        kind = f"Photoshop's format of {bits} bits a sample"
    if kind == RAW:
        return RAW_REASON
    return kind and closed_reason(kind)


def closed_reason(kind: str) -> str:
    """Return the reason for a format that is not opened."""
    return f"{kind} is not opened here; save it as PNG, TIFF or JPEG"


def why_not_opened(head: bytes) -> str:
    """Why no decoder took a file, by its first bytes."""
    known = head.startswith(_OPEN_STARTS) or iso_kind(head)
    return "damaged: its header cannot be read" if known else "not a picture"
