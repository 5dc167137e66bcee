// What a page does besides being read: anchors open the fold that holds them, tables sort, tabs take the place of figures in a row, and all
// of it is laid out for print. Nothing of this is needed to read the page.
"use strict";
(() => {
  const all = (what, within = document) => Array.from(within.querySelectorAll(what));

  const reveal = (target) => {
    for (let part = target; part; part = part.parentElement) {
      if (part.matches("details")) part.open = true;
      if (part.matches("[data-tab][hidden]")) part.dispatchEvent(new Event("choose"));
    }
  };
  const follow = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const fold = target.closest("details.fold");
    reveal(target);
    (fold || target).scrollIntoView();
  };

  const contents = document.getElementById("contents");
  contents.addEventListener("click", (event) => {
    if (event.target.closest("a") && contents.matches(":popover-open")) contents.hidePopover();
  });

  const folds = all("details");
  if (folds.length > 1) {
    const toggle = document.createElement("button");
    const label = () => (toggle.textContent = all("details.fold[open]").length ? "Close all" : "Open all");
    toggle.type = "button";
    toggle.className = "toggle";
    toggle.addEventListener("click", () => {
      const open = all("details.fold[open]").length === 0;
      all("details.fold").forEach((fold) => (fold.open = open));
      label();
    });
    all("details.fold").forEach((fold) => fold.addEventListener("toggle", label));
    contents.append(toggle);
    label();
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = folds.filter((fold) => !fold.open);
    closed.forEach((fold) => (fold.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((fold) => (fold.open = false)));

  addEventListener("hashchange", follow);
  follow();
})();
