"""Stage one: probes of the variable at every layer, and the subspaces that finders find."""
