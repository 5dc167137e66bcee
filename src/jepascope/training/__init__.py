"""Training the nano encoders again: the run, what is watched while it lasts, and the card that is measured after it."""
