"""The page of a sweep: what every cell found, and what holds over them."""
