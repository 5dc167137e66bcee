"""Stage two: intervene at the best layer in full, survey the others, and ask every judge that the model has."""
