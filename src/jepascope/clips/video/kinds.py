"""What a file is, by its ending, or by its first bytes where the ending says nothing: a video, or something else."""

from __future__ import annotations

from pathlib import Path

from jepascope.clips.video.opening import ENDINGS

RARE = "rm rmvb mxf dv swf y4m ivf h264 264 hevc h265 265 m1v m2v mjpeg mjpg wtv r3d braw nut bik yuv"
"""Endings of videos that are hardly ever read: such a file is opened all the same, and listed with the reason why it is not used."""
KINDS = {
    "is an image, not a video": "jpg jpeg png bmp tif tiff webp heic heif avif jp2 svg ico ppm pgm exr psd dng",
    "is sound, not a video": "mp3 wav flac aac m4a ogg oga opus wma aif aiff",
    "is an archive (unpack it where it holds videos)": "zip tar gz tgz bz2 xz 7z rar zst",
    "is text, not a video": "txt md rst pdf html htm xml yaml yml toml srt vtt ass log py ipynb sh m js url lnk tsv xlsx xls jsonl",
    "holds numbers, not a video": "npy npz pkl pickle pt pth safetensors h5 hdf5 mat parquet arrow bin dat db lmdb flo",
}
BY_ENDING = {f".{ending}": kind for kind, endings in KINDS.items() for ending in endings.split()}
UNKNOWN = "is no video that is known"


def kind_of_file(path: Path) -> str:
    """What a file is that is no video, as the words that follow its name; '' for one that may be a video."""
    ending = path.suffix.lower()
    if ending in ENDINGS or ending[1:] in RARE.split():
        return ""
    return BY_ENDING.get(ending) or ("" if _begins_like_a_video(path) else UNKNOWN)


def _begins_like_a_video(path: Path) -> bool:
    """By the marks of the formats that are read. A file that cannot be opened may be one."""
    try:
        with path.open("rb") as file:
            head = file.read(400)
    except OSError:
        return True
    return (
        (head[4:8] == b"ftyp" or head[4:8] in (b"moov", b"mdat", b"wide"))
        or head.startswith((b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"OggS", b"\0\0\1\xba", b"GIF8"))
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or (len(head) > 376 and head[0] == head[188] == head[376] == 0x47)
    )
