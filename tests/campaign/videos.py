"""Videos: files of a folder of videos are harmed, then a study's clips are chosen and decoded from it."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from pathlib import Path

from campaign.harm import harmed
from campaign.trial import Outcome, Tally, Trial, contents, ended, forked

ENDINGS = ("mp4", "webm", "mkv", "avi", "gif")
CODECS = {"mp4": "libx264", "webm": "libvpx-vp9", "mkv": "libx264", "avi": "mpeg4", "gif": "gif"}


def prepare(folder: Path) -> Path:
    """Forty short videos of two classes in five containers, and a table of labels."""
    import numpy as np

    from video_files import write

    if not folder.exists():
        noise = np.random.default_rng(0)
        for i in range(40):
            ending, pictures = ENDINGS[i % 5], noise.integers(0, 255, (24, 36, 48, 3), dtype=np.uint8)
            write(folder / ("cats" if i % 2 else "dogs") / f"{i}.{ending}", list(pictures), CODECS[ending], rate=20)
    return folder


class Videos:
    """Trials on copies of the ``ground``'s videos in ``at``."""

    def __init__(self, ground: Path, at: Path, tally: Tally) -> None:
        self.source, self.at, self.tally = ground / "videos", at, tally
        self.expected = ""

    def one(self, seed: int) -> Outcome:
        rng = random.Random(seed)
        if not self.expected:
            forked(lambda: prepare(self.source), limit=300)
            self._copy()
            self.expected = self._clips(self._study("x").words)
            assert self.expected
        self._copy()
        files = sorted(path for path in (self.at / "videos").rglob("*.*") if path.is_file())
        done = [harmed(path, rng) for path in rng.sample(files, rng.choice([1, 2, 3]))]
        outside = contents(self.at / "precious")
        trial = self._study(f"trial {seed}")
        bad = ended(trial)
        outcome: Outcome = "outside" if contents(self.at / "precious") != outside else bad or "taken"
        if outcome == "taken" and self._clips(trial.words) == self.expected:
            outcome = "same"
        about = {"seed": seed, "done": done, "code": trial.code, "peak": trial.peak, "words": trial.words[-1500:]}
        self.tally.add("videos harmed, then decoded", outcome, about)
        return outcome

    def _copy(self) -> None:
        shutil.rmtree(self.at, ignore_errors=True)
        shutil.copytree(self.source, self.at / "videos")
        (self.at / "precious").mkdir()
        (self.at / "precious" / "words").write_text("a year of work\n")

    @staticmethod
    def _clips(words: str) -> str:
        last = (words.splitlines() or [""])[-1]
        return last if last.startswith('{"clips"') else ""

    def _study(self, name: str) -> Trial:
        def chosen() -> None:
            from jepascope.cli.terminal import answered
            from jepascope.study.spec_file import make_spec
            from jepascope.study.videos.foreseen import settled, video_study

            def choose() -> None:
                fields = {"clips": "videos", "seconds": 0.5, "variable": "class", "test_scenes": 8, "clips_per_class": 24}
                study = video_study(settled(make_spec(fields, name)))
                clips = study.clips.at(8, 24)
                digest = hashlib.sha256(b"".join(clips.video([i]).numpy().tobytes() for i in range(len(clips.factors)))).hexdigest()
                print(json.dumps({"clips": digest}), flush=True)

            answered(choose)()

        def enter() -> None:
            os.chdir(self.at)
            os.environ["JEPASCOPE_CACHE"] = str(self.at / "cache")

        return forked(chosen, before=enter)
