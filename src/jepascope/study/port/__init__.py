"""Stage three: do subspaces carry over to other finders, scenes, layers and clip sets? ``command``: to other runs, ``jepascope port``."""
