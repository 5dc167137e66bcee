"""One YAML, many studies: models x variables x seeds x any field of a spec, each a run folder of its own, on shared captures."""
