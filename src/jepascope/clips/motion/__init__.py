"""Which way the windows of videos move, measured: dense flow, the camera's motion taken away, and no label where it is not clear."""
