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

  // Tabs: sections that follow each other take turns, with the keys that tabs have.
  all("[data-tabs]").forEach((tabs, place) => {
    const panels = Array.from(tabs.children);
    const list = document.createElement("div");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", tabs.dataset.tabs);
    const choose = (index, focus) => {
      panels.forEach((panel, at) => {
        const tab = list.children[at];
        panel.hidden = at !== index;
        tab.setAttribute("aria-selected", at === index);
        tab.tabIndex = at === index ? 0 : -1;
        if (at === index && focus) tab.focus();
      });
    };
    panels.forEach((panel, at) => {
      const tab = document.createElement("button");
      tab.type = "button";
      tab.textContent = panel.dataset.tab;
      tab.id = `tab-${place}-${at}`;
      panel.id = panel.id || `panel-${place}-${at}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      panel.tabIndex = 0;
      panel.addEventListener("choose", () => choose(at));
      tab.addEventListener("click", () => choose(at, true));
      list.append(tab);
    });
    list.addEventListener("keydown", (event) => {
      const at = Array.from(list.children).indexOf(document.activeElement), last = panels.length - 1;
      const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      choose(to, true);
    });
    tabs.prepend(list);
    tabs.classList.add("turning");
    choose(0);
  });

  // Tables: a head sorts its column by the stored values, rows of one group among themselves; the third time they stand as they were.
  const stored = (cell) => {
    const text = cell.textContent.trim(), exact = cell.querySelector("data");
    const number = parseFloat(exact ? exact.value : text.replace(/\u2212/g, "-").replace(/^[^\d.+-]+/, ""));
    return { number, text };
  };
  const order = (a, b, down) => {
    const [x, y] = [a.key.number, b.key.number];
    const both = Number.isNaN(x) || Number.isNaN(y) ? Number.isNaN(x) - Number.isNaN(y) || a.key.text.localeCompare(b.key.text) : (x - y) * (down ? -1 : 1);
    return both || a.at - b.at;
  };
  all("table[data-sortable]").forEach((table) => {
    const body = table.tBodies[0], rows = Array.from(body.rows), heads = Array.from(table.tHead.rows[0].cells);
    if (rows.filter((row) => !row.matches(".group")).length < 3) return;
    const groups = [];
    rows.forEach((row, at) => {
      if (row.matches(".group") || !groups.length) groups.push([]);
      groups.at(-1).push({ row, at });
    });
    heads.forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const next = { none: "descending", descending: "ascending", ascending: "none" }[head.getAttribute("aria-sort")];
        heads.forEach((other) => other.setAttribute("aria-sort", other === head ? next : "none"));
        groups.forEach((group) => {
          const fixed = group.filter(({ row }) => row.matches(".group")), loose = group.filter(({ row }) => !row.matches(".group"));
          loose.forEach((entry) => (entry.key = entry.row.cells[column] ? stored(entry.row.cells[column]) : { number: NaN, text: "" }));
          loose.sort((a, b) => (next === "none" ? a.at - b.at : order(a, b, next === "descending")));
          body.append(...[...fixed, ...loose].map(({ row }) => row));
        });
      });
    });
  });

  // Terms: Escape puts an explanation away.
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.activeElement.closest(".term")) document.activeElement.blur();
  });

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
