"""Real videos as clips: a folder of files, cut into windows by time and decoded when they are asked for."""
