"""Folders of runs and stores: the one way in which jepascope opens, writes, locks and checks files that others may have put there."""
