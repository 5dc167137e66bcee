"""One of each kind that jepascope can be given, a file each."""
