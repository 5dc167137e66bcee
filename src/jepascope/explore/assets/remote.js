/* Where answers come from otherwise: a server on this machine, or what the run stored. */
