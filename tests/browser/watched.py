"""Pages that are opened under watch: what they ask for, what they throw, what they print, how they are laid out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Visit = Callable[..., Any]
OWN = ("file", "data", "blob", "about")
PATIENCE = 10_000  # milliseconds for what a machine under load is slow to do
DESKTOP, PHONE, NARROW = (1280, 800), (390, 844), (360, 740)


@contextmanager
def visiting(browser: Any, complaints: list[str]) -> Iterator[Visit]:
    """A function that opens pages, each in a context of its own; all are closed at the end."""
    contexts = []

    def visit(
        where: Path | str,
        width: int = DESKTOP[0],
        height: int = DESKTOP[1],
        dark: bool = False,
        scripts: bool = True,
        touch: bool = False,
        hosts: Collection[str] = (),
    ) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            has_touch=touch,
            accept_downloads=True,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        watch(page, complaints, hosts)
        page.goto(where.resolve().as_uri() if isinstance(where, Path) else where)
        return page

    try:
        yield visit
    finally:
        for context in contexts:
            context.close()


def watch(page: Any, complaints: list[str], hosts: Collection[str] = ()) -> None:
    """Note what the page may not do: print an error or a warning, throw, open a dialogue, ask any host but ``hosts``."""

    def asked(url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc not in hosts if parts.netloc else parts.scheme not in OWN:
            complaints.append(f"asked for {url}")

    def said(dialogue: Any) -> None:
        complaints.append(f"dialogue: {dialogue.message}")
        dialogue.dismiss()

    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    page.on("pageerror", lambda error: complaints.append(f"threw {error}"))
    page.on("console", lambda line: complaints.append(f"{line.type}: {line.text}") if line.type in ("error", "warning") else None)
    page.on("dialog", said)


def sideways(page: Any) -> int:
    """By how many pixels the page itself, not a box in it, can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def unfold(page: Any) -> None:
    """Open every fold."""
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")


WORDS = """within => {
  const seen = element => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: false });
  const walker = document.createTreeWalker(document.querySelector(within), NodeFilter.SHOW_TEXT);
  const words = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (parent.closest('svg, script, style, noscript') || parent.matches('details:not([open])') || !seen(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width < 2 || box.right < 0 || box.bottom + scrollY < 0) continue;  // for readers of screens alone
    for (const word of node.textContent.split(/\\s+/)) if (word) words.push({ word, top: box.top + scrollY });
  }
  return words;
}"""


def words(page: Any, above: float = float("inf"), within: str = "body") -> list[str]:
    """The words that a reader sees outside drawings; those that begin above some height (pixels from the top of the page)."""
    return [found["word"] for found in page.evaluate(WORDS, within) if found["top"] < above]


@cache
def axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


AXE = """([leave, rules]) => axe.run(
  { exclude: leave.map(selector => [selector]) }, { resultTypes: ['violations'], ...(rules ? { runOnly: rules } : {}) }
).then(result => result.violations
  .filter(violation => ['serious', 'critical'].includes(violation.impact))
  .flatMap(violation => violation.nodes.map(node => `${violation.id}: ${node.target.join(' ')}: ${node.html.slice(0, 200)}`)))"""
ALIKE = ("svg > *", "tbody tr:nth-child(n + 4)")


def barriers(page: Any, rules: Collection[str] = (), leave: Collection[str] = ALIKE) -> list[str]:
    """What axe-core finds serious or critical in what is visible: contrast, names, alternative text, roles, keyboard. ``rules``: these
    alone. ``leave``: selectors of what is not looked at, by default the insides of drawings, which their description stands for, and rows
    of tables beyond the third, which look like those above: contrast of thousands of cells took most of the time."""
    page.evaluate(axe())
    return list(page.evaluate(AXE, [list(leave), list(rules) or None]))
