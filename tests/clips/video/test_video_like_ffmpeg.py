"""Frame by frame and time by time, a file is read as the ffmpeg command renders it, where that is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from jepascope.clips.video import decode
from jepascope.clips.video.files import candidate
from jepascope.clips.video.probe import probe

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="The ffmpeg command is not installed (apt-get install ffmpeg).")

QUIET = ("ffmpeg", "-hide_banner", "-nostdin", "-y")
SCALE = "scale=flags=bicubic+full_chroma_int+accurate_rnd+bitexact,format=rgb24,showinfo"
SMOOTH = "nullsrc=s=64x48:r=24:d=1.5,geq=lum='128+60*sin(X/9+N/5)+40*sin(Y/7)':cb='128+30*sin(X/20)':cr='128+30*cos(Y/16+N/9)'"
H264 = "-c:v libx264 -preset ultrafast -bf 2 -crf 8"


def ffmpeg(*words: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run([*QUIET, *words], capture_output=True, timeout=120)
    if b"Unknown encoder" in done.stderr:
        pytest.skip("This ffmpeg was built without the encoder.")
    done.check_returncode()
    return done


def made(folder: Path, name: str, coding: str, source: str = SMOOTH) -> Path:
    ffmpeg("-f", "lavfi", "-i", source, *coding.split(), str(folder / name))
    return folder / name


def played(path: Path) -> tuple[np.ndarray, list[np.ndarray]]:
    """Times from the first frame on and pictures, with ffmpeg's own choice of stream, edit lists and turns."""
    done = ffmpeg("-i", str(path), "-an", "-vf", SCALE, "-fps_mode", "passthrough", "-f", "rawvideo", "-")
    lines = re.findall(r"pts_time:(\S+).*? s:(\d+)x(\d+)", done.stderr.decode(errors="replace"))
    sizes = [int(width) * int(height) * 3 for _, width, height in lines]
    assert sum(sizes) == len(done.stdout)
    parts = np.split(np.frombuffer(done.stdout, dtype=np.uint8), np.cumsum(sizes)[:-1])
    pictures = [part.reshape(int(height), int(width), 3) for part, (_, width, height) in zip(parts, lines, strict=True)]
    times = np.array([float(time) for time, _, _ in lines])
    return times - times[0], pictures


def check_like_ffmpeg(path: Path, alike: float = 2.0) -> None:
    times, pictures = played(path)
    video = probe(path.parent, candidate(path.name))
    assert video.note == ""
    np.testing.assert_allclose(video.times, times, atol=2e-3)
    scaler = decode.Scaler()
    for shown in decode.frames_at(path, times + 1e-3):
        picture = scaler(shown, min(pictures[shown.first].shape[:2]))
        for wanted in pictures[shown.first : shown.stop]:
            assert picture.shape == wanted.shape
            assert np.abs(picture.astype(int) - wanted).mean() < alike


@pytest.mark.parametrize(
    ("name", "coding"),
    [("a.mp4", H264), ("a.avi", H264), ("a.mkv", f"{H264} -output_ts_offset 3"), ("a.webm", "-c:v libvpx-vp9 -deadline realtime")],
)
def test_files_of_every_container_are_read_as_ffmpeg_renders_them(tmp_path: Path, name: str, coding: str) -> None:
    check_like_ffmpeg(made(tmp_path, name, coding))


CODINGS = {
    "h264.mov": H264,
    "packed.avi": "-c:v mpeg4 -bf 2 -vtag DIVX -q:v 2",
    "mpeg4.mp4": "-c:v mpeg4 -bf 2 -q:v 2",
    "msmpeg4.avi": "-c:v msmpeg4v2 -q:v 2",
    "wmv2.avi": "-c:v wmv2 -q:v 2",
    "jpeg.avi": "-c:v mjpeg -q:v 2",
    "jpeg.mov": "-c:v mjpeg -q:v 2",
    "png.mov": "-c:v png",
    "animation.mov": "-c:v qtrle",
    "prores.mov": "-c:v prores_ks",
    "raw.avi": "-c:v rawvideo -pix_fmt yuyv422",
    "rgb.avi": "-c:v rawvideo -pix_fmt bgr24",
    "huff.avi": "-c:v huffyuv",
    "lossless.mkv": "-c:v ffv1",
    "mpeg2.mkv": "-c:v mpeg2video -q:v 2",
    "vp8.webm": "-c:v libvpx -deadline realtime -b:v 1M",
    "ten.mkv": "-c:v libx264 -preset ultrafast -crf 8 -pix_fmt yuv420p10le",
    "hevc10.mp4": "-c:v libx265 -preset ultrafast -crf 8 -pix_fmt yuv420p10le",
    "hevc.mkv": "-c:v libx265 -preset fast -crf 8 -x265-params open-gop=1:keyint=12",
    "av1.mp4": "-c:v libaom-av1 -cpu-used 8 -crf 10",
    "422.mp4": f"{H264} -pix_fmt yuv422p",
    "444.mp4": f"{H264} -pix_fmt yuv444p",
    "full.mp4": f"{H264} -pix_fmt yuvj420p",
    "709.mp4": f"{H264} -vf scale=out_color_matrix=bt709 -colorspace bt709 -pix_fmt yuv444p",
    "709 full.mp4": f"{H264} -vf scale=out_color_matrix=bt709:out_range=pc -colorspace bt709 -color_range pc -pix_fmt yuv444p",
    "grey.mp4": "-c:v libx264 -pix_fmt gray",
    "animated.gif": "",
    "open gop.mp4": f"{H264} -x264opts keyint=12:open-gop=1:bframes=3",
    "late.mp4": f"{H264} -output_ts_offset 5",
    "ntsc.mp4": f"{H264} -r 24000/1001",
    "uneven.mp4": f"{H264} -vf setpts='if(lt(N,12),N,12+(N-12)*3)/24/TB' -fps_mode vfr",
    "uneven.mkv": f"{H264} -vf setpts='if(lt(N,12),N,12+(N-12)*3)/24/TB' -fps_mode vfr",
    "uneven.avi": "-c:v mpeg4 -bf 2 -q:v 2 -vf setpts='if(lt(N,12),N,12+(N-12)*3)/24/TB' -fps_mode vfr",
    "pieces.mp4": f"{H264} -movflags frag_keyframe+empty_moov",
    "live.mkv": f"{H264} -live 1",
    "cropped.mp4": f"{H264} -vf crop=62:46",
    "flipped by sei.mp4": f"{H264} -bsf:v h264_metadata=display_orientation=insert:flip=horizontal",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CODINGS)
def test_so_it_is_for_other_codings(tmp_path: Path, name: str) -> None:
    check_like_ffmpeg(made(tmp_path, name, CODINGS[name]), alike=3.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["trimmed.mp4", "trimmed.mkv", "trimmed.mov"])
@pytest.mark.parametrize("start", ["0.4", "0.77"])
def test_so_it_is_for_pieces_that_were_cut_out_without_coding(tmp_path: Path, name: str, start: str) -> None:
    whole = made(tmp_path, "whole.mp4", f"{H264} -g 12")
    ffmpeg("-ss", start, "-i", str(whole), "-c", "copy", str(tmp_path / name))
    check_like_ffmpeg(tmp_path / name)


@pytest.mark.slow
def test_every_piece_of_a_recording_cut_by_ffmpeg_is_whole(tmp_path: Path) -> None:
    source = SMOOTH.replace("d=1.5", "d=3")
    made(tmp_path, "s%d.mkv", f"{H264} -g 24 -f segment -segment_time 1", source)
    pieces = sorted(tmp_path.glob("s*.mkv"))
    assert len(pieces) == 3
    for piece in pieces:
        check_like_ffmpeg(piece)


@pytest.mark.slow
def test_of_several_streams_that_ffmpeg_marks_the_default_is_read(tmp_path: Path) -> None:
    still, moving = made(tmp_path, "still.mp4", f"{H264} -frames:v 1", "color=red:s=64x48"), made(tmp_path, "moving.mp4", H264)
    mapped = [
        "-i",
        str(still),
        "-i",
        str(moving),
        "-map",
        "0",
        "-map",
        "1",
        "-c",
        "copy",
        "-disposition:0",
        "0",
        "-disposition:1",
        "default",
    ]
    for name in ("two.mkv", "two.mp4"):
        ffmpeg(*mapped, str(tmp_path / name))
        check_like_ffmpeg(tmp_path / name)
