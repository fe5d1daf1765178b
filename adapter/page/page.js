"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const one = (query, root = document) => root.querySelector(query);

  // Theme: as the system has it, until the button is pressed.
  const dark = one("#dark"), asSystem = dark.media, button = one("#theme");
  const isDark = () => matchMedia(dark.media).matches;
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.addEventListener("click", () => { dark.media = isDark() ? "not all" : "screen"; label(); });
  matchMedia(asSystem).addEventListener("change", label);
  label();

  // Tables sort by a click on a column's title: numbers by data-sort or their text, largest first.
  const keyOf = (row, index) => {
    const cell = row.cells[index];
    return cell.dataset.sort ?? cell.textContent.trim();
  };
  const sort = (table, head, index) => {
    const body = table.tBodies[0], rows = [...body.rows];
    const keys = new Map(rows.map((row) => [row, keyOf(row, index)]));
    const numeric = rows.every((row) => keys.get(row) === "" || !Number.isNaN(Number(keys.get(row))));
    const first = numeric ? "descending" : "ascending";
    const other = numeric ? "ascending" : "descending";
    const order = head.ariaSort === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    const compare = numeric ? (a, b) => Number(a) - Number(b) : (a, b) => a.localeCompare(b, "en", { numeric: true });
    rows.sort((a, b) => sign * compare(keys.get(a), keys.get(b)));
    all("th", table.tHead).forEach((each) => each.ariaSort && (each.ariaSort = "none"));
    head.ariaSort = order;
    body.append(...rows);
  };
  for (const table of all("table.sortable")) {
    all("th", table.tHead).forEach((head, index) => {
      if (!head.textContent.trim()) return;
      const title = document.createElement("button");
      title.type = "button";
      title.append(...head.childNodes);
      head.append(title);
      head.ariaSort = "none";
      title.addEventListener("click", () => sort(table, head, index));
    });
  }

  // A link to something inside closed details opens them.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
    target.scrollIntoView({ block: "nearest" });
  };
  addEventListener("hashchange", reveal);
  reveal();

  const graph = one("#graph");
  if (graph) picture(graph);

  function picture(svg) {
    const { width, height } = svg.viewBox.baseVal;
    const frame = one("#frame"), tip = one("#tip");
    frame.classList.add("live");
    all(".controls, .hint", frame).forEach((each) => { each.hidden = false; });

    // The view is a window of the frame's own shape onto the picture; `scale` is screen pixels a unit.
    let scale = 1, left = 0, top = 0;
    const size = () => svg.getBoundingClientRect();
    const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(low, high));
    const show = () => {
      const box = size(), wide = box.width / scale, high = box.height / scale;
      left = wide >= width ? (width - wide) / 2 : clamp(left, -40, width - wide + 40);
      top = high >= height ? (height - high) / 2 : clamp(top, -40, height - high + 40);
      svg.setAttribute("viewBox", `${left} ${top} ${wide} ${high}`);
    };
    const whole = () => { const box = size(); scale = Math.min(box.width / width, box.height / height); show(); };
    const fitWidth = () => { scale = Math.min(size().width / width, 1.25); left = top = 0; show(); };
    const zoom = (factor, x = size().width / 2, y = size().height / 2) => {
      const box = size(), least = Math.min(box.width / width, box.height / height) / 1.2;
      const next = clamp(scale * factor, least, 6);
      left += x / scale - x / next;
      top += y / scale - y / next;
      scale = next;
      show();
    };
    const move = (x, y) => { left += x / scale; top += y / scale; show(); };
    const actions = { in: () => zoom(1.3), out: () => zoom(1 / 1.3), whole, width: fitWidth };
    all("[data-zoom]", frame).forEach((each) => each.addEventListener("click", actions[each.dataset.zoom]));

    let active = false;
    svg.addEventListener("wheel", (event) => {
      if (!active && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = size();
      zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - box.left, event.clientY - box.top);
      hide();
    }, { passive: false });
    document.addEventListener("pointerdown", (event) => { active = frame.contains(event.target); });

    const held = new Map();
    let moved = 0;
    svg.addEventListener("pointerdown", (event) => { held.set(event.pointerId, event); moved = 0; });
    svg.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) return;
      const [x, y] = [before.clientX - event.clientX, before.clientY - event.clientY];
      if (held.size === 2) {
        const other = [...held.values()].find((each) => each.pointerId !== event.pointerId), box = size();
        const apart = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY) || 1;
        zoom(apart(event) / apart(before), other.clientX - box.left, other.clientY - box.top);
      } else move(x, y);
      moved += Math.abs(x) + Math.abs(y);
      held.set(event.pointerId, event);
      if (moved > 4) { svg.classList.add("moving"); svg.setPointerCapture(event.pointerId); hide(); }
    });
    const release = (event) => { held.delete(event.pointerId); svg.classList.remove("moving"); };
    ["pointerup", "pointercancel", "pointerleave"].forEach((name) => svg.addEventListener(name, release));
    svg.addEventListener("click", (event) => { if (moved > 4) event.preventDefault(); }, true);
    svg.addEventListener("dragstart", (event) => event.preventDefault());
    frame.addEventListener("keydown", (event) => {
      const step = 60;
      const keys = {
        "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: fitWidth,
        ArrowLeft: () => move(-step, 0), ArrowRight: () => move(step, 0), ArrowUp: () => move(0, -step), ArrowDown: () => move(0, step),
      };
      if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });

    // What is known of a layer stands in its row of the table below; the tip shows it beside the block.
    const titles = all("#layer-table thead th").map((each) => each.textContent);
    const describe = (block) => {
      const cells = [...document.getElementById(`layer-${block.dataset.layer}`).cells];
      const name = document.createElement("strong"), list = document.createElement("dl");
      name.textContent = cells[0].textContent;
      cells.slice(1).forEach((cell, index) => {
        const value = cell.textContent.trim();
        if (!value) return;
        const term = document.createElement("dt"), said = document.createElement("dd");
        term.textContent = titles[index + 1];
        said.textContent = value.length > 160 ? `${value.slice(0, 160)} …` : value;
        list.append(term, said);
      });
      tip.replaceChildren(name, list);
    };
    const near = (number) => all(".edges path").forEach((path) => {
      path.classList.toggle("near", number !== null && path.dataset.edge.split(" ").includes(number));
    });
    const hide = () => { tip.hidden = true; near(null); };
    const point = (block) => {
      describe(block);
      near(block.dataset.layer);
      tip.hidden = false;
      const at = block.getBoundingClientRect(), own = tip.getBoundingClientRect();
      const right = at.right + 10 + own.width < innerWidth;
      tip.style.left = `${right ? at.right + 10 : Math.max(8, at.left - own.width - 10)}px`;
      tip.style.top = `${clamp(at.top - 8, 8, innerHeight - own.height - 8)}px`;
    };
    for (const block of all(".block", svg)) {
      one("title", block)?.remove(); // the tip says more
      block.addEventListener("pointerenter", () => { if (!held.size) point(block); });
      block.addEventListener("pointerleave", hide);
      block.addEventListener("focus", () => {
        const at = block.getBoundingClientRect(), box = size();
        if (at.left < box.left || at.right > box.right || at.top < box.top || at.bottom > box.bottom) {
          move(at.left + at.width / 2 - box.left - box.width / 2, at.top + at.height / 2 - box.top - box.height / 2);
        }
        point(block);
      });
      block.addEventListener("blur", hide);
    }
    addEventListener("scroll", hide, { passive: true });
    addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

    new ResizeObserver(show).observe(svg);
    fitWidth();
    addEventListener("beforeprint", () => svg.setAttribute("viewBox", `0 0 ${width} ${height}`));
    addEventListener("afterprint", show);
  }

  // On paper everything is open.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])");
    opened.forEach((each) => { each.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((each) => { each.open = false; }));
})();
