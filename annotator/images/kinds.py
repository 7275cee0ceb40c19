"""What kind of file something is: a picture by its first bytes, anything else by its ending."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePath

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from annotator.errors import ImageError

FORMATS = "JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, HEIC, JPEG 2000"
"""What is read, for people."""

HEAD_BYTES = 64
"""Bytes at the beginning of a file that say whether it is a picture."""

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".mpo"),
        *(".png", ".apng", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"),
        *(".avif", ".avifs", ".heic", ".heics", ".heif", ".heifs", ".hif"),
        *(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    }
)
"""Endings, in lower case, of files that are pictures or else broken. What is inside decides the
format."""

Opener = Callable[[io.BytesIO], ImageFile.ImageFile]


class NotInstalled(ImageError):
    """A picture of a format whose decoder is not installed; later it may be."""


def _heif(file: io.BytesIO) -> ImageFile.ImageFile:
    try:
        from pillow_heif.as_plugin import HeifImageFile  # late: an extra
    except ImportError:
        raise NotInstalled(
            "is HEIC, which is read after `pip install 'partial-label-annotator[heif]'`"
        ) from None
    opened: ImageFile.ImageFile = HeifImageFile(file)
    return opened


def _avif(file: io.BytesIO) -> ImageFile.ImageFile:
    if not AvifImagePlugin.SUPPORTED:
        raise NotInstalled("is AVIF, which this build of Pillow does not read; install another one")
    return AvifImagePlugin.AvifImageFile(file)


# Image.open warns about large pictures through global state, which threads cannot silence safely;
# the decoders behind it leave the size to the caller.
_OPENERS: tuple[tuple[bytes, Opener], ...] = (
    (b"\xff\xd8\xff", JpegImagePlugin.jpeg_factory),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"GIF8", GifImagePlugin.GifImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"II+\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0+", TiffImagePlugin.TiffImageFile),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Jpeg2KImagePlugin.Jpeg2KImageFile),
    (b"\xff\x4f\xff\x51", Jpeg2KImagePlugin.Jpeg2KImageFile),
)
_AVIF = (b"avif", b"avis")
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
"""Lengths of the header that follows the two letters `BM` of a picture, in bytes."""


def opener(head: bytes) -> Opener | None:
    """Return what opens a file that begins like this, None if it is no picture."""
    if head.startswith(b"RIFF") and b"WEBP".startswith(head[8:12]):
        return WebPImagePlugin.WebPImageFile
    if head[4:8] == b"ftyp":
        length = min(int.from_bytes(head[:4]), HEAD_BYTES)
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, length, 4))]
        if any(brand in _AVIF for brand in brands):
            return _avif
        return _heif if any(brand in _HEIF for brand in brands) else None
    return next((make for magic, make in _OPENERS if head.startswith(magic)), None)


def is_picture(head: bytes) -> bool:
    """Whether a file of any name that begins like this holds a picture; two letters are no sign."""
    if head.startswith(b"BM"):
        return int.from_bytes(head[14:18], "little") in _BMP_HEADERS
    return len(head) >= 12 and opener(head) is not None


HIDDEN = "hidden or system files"
OWN = "files of a project"
OTHER = "other files"

_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"})

_ENDINGS = {
    "label or text files": (
        "txt json jsonl ndjson geojson csv tsv xml yaml yml toml ini cfg conf md rst html htm log "
        "names lst xmp aae"
    ),
    "videos": "mp4 m4v mov avi mkv webm mpg mpeg wmv flv 3gp mts m2ts ogv",
    "sound files": "mp3 wav flac m4a aac ogg wma",
    "archives": "zip tar gz tgz bz2 xz 7z rar zst",
    "documents": "pdf doc docx xls xlsx ppt pptx odt ods odp rtf epub",
    "camera raw files": (
        "cr2 cr3 crw nef nrw arw srf sr2 dng orf rw2 pef raf srw x3f 3fr iiq erf kdc dcr mrw raw"
    ),
    "medical files": "dcm dicom nii nrrd mha mhd",
    "data files": (
        "npy npz mat h5 hdf5 pkl pickle pt pth ckpt safetensors onnx parquet feather arrow "
        "tfrecord db sqlite sqlite3 mdb"
    ),
    "programs": "py ipynb sh bat ps1 js ts css c h cpp java m r rb exe dll so jar",
    "pictures in formats that are not read": (
        "svg svgz psd psb xcf kra ai eps ico icns tga pcx dds exr hdr jxl pbm pgm ppm pnm wmf emf"
    ),
    "unfinished downloads": "part partial crdownload download",
}
_KINDS = {f".{ending}": kind for kind, all_ in _ENDINGS.items() for ending in all_.split()}


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that people do not see, or that a system made for itself."""
    return name.startswith(".") or name.lower() in _SYSTEM


def kind_by_name(name: str) -> str:
    """Return what a file is that its ending says is no picture, empty if its content decides."""
    return _KINDS.get(PurePath(name).suffix.lower(), "")
