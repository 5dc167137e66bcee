"""The benchmarks, one file each, which declares it."""
