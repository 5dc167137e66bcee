"""Steps of a study, in the order in which they run. Each reads and writes the run folder and can be resumed."""
