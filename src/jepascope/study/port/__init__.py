"""port: what is found in one run, used in another: across models by a linear map, or in the same encoder as it is."""
