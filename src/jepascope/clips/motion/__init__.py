"""Which way the windows of videos move, measured: dense flow, the camera's motion taken away, and no label where it is not clear.

>>> from jepascope.clips.motion.windows import measured
>>> clips, refused = video_clips("my-videos", "direction", measure=measured)
"""
