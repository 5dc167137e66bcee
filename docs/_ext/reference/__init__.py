"""The reference as Markdown, from what the product declares: each function of a module here is a ``{from-code} module.function``."""
