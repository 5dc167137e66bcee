"""Names that strangers gave (variables, classes, columns of a labels file), made fit to stand in a sentence, a table and a drawing."""

from __future__ import annotations

ELLIPSIS = "…"
MOST = 60  # characters of a name in a table or sentence
MOST_OF_A_SENTENCE = 1200  # characters of a sentence that a run folder holds
MOST_OF_A_HEADLINE = 8000  # of a headline; our own are a quarter of that, and none of them may be cut
LABEL = 24  # characters of a name at an axis or in a legend


def short(name: object, most: int = MOST) -> str:
    """At most ``most`` characters, beginning and end kept; what cannot be printed (and no XML may hold) is replaced.

    Escaping is not done here: the template and the drawings escape every string.
    """
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in str(name)).split())
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 1]}{ELLIPSIS}{text[-tail:]}"
