"""Pages of the benchmarks, one file each: what was recorded -> sections."""
