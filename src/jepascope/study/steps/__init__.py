"""The steps of a study, declared: what each writes, needs and costs, and when it is left out. Imports neither torch nor pandas."""
