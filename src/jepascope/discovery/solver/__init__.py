"""The batched solver: sparse and dense multinomial probes of every layer, fold, resample and label set at once."""
