"""Stage three of a study: do subspaces carry over to other finders, scenes, layers and clip sets, and are they copies of each other?"""
