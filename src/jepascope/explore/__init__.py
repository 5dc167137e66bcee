"""The live page of a run: one HTML file in which the encoder itself runs, or a small server that runs it."""
