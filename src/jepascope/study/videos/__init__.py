"""Studies on a folder of real videos: what a spec says of them, the clips that become of them, and what is told of both."""
