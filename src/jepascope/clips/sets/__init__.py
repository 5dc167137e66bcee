"""The clip sets, one a file: a declaration and the function that draws it."""
