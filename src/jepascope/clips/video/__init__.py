"""Real videos as clips: a folder of files, cut into windows by time and decoded when they are asked for.

>>> from jepascope.clips.video.clips import video_clips
>>> clips, refused = video_clips("my-videos", variable="class")
"""
