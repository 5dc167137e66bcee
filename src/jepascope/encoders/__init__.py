"""Encoders: frozen video encoders behind one small interface."""
