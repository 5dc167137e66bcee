"""Encoders: frozen video encoders behind one small interface."""

import warnings

# transformers imports tqdm, which says so in a notebook without ipywidgets; no bar of theirs is shown (see ``pretrained``)
warnings.filterwarnings("ignore", message="IProgress not found")
