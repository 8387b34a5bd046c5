  // What all parts share, and the table: sorting, filtering, second lines. curves.js and
  // viewer.js go on in the same scope.
  const R = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const svgNS = "http://www.w3.org/2000/svg";
  const num = (v, d = 2) => (v === null || v === undefined ? "n/a" : v.toFixed(d));
  const node = (name, attributes, parent) => {
    const e = document.createElementNS(svgNS, name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (parent) parent.append(e);
    return e;
  };
  const element = (name, attributes, ...children) => {
    const e = document.createElement(name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    e.append(...children);
    return e;
  };
  const press = (buttons, chosen) => {
    for (const b of buttons) b.setAttribute("aria-pressed", String(b === chosen));
  };

  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = header.querySelector("button");
      if (!button) return;
      const key = (row) => row.cells[column].dataset.sort;
      button.addEventListener("click", () => {  // falling, rising, the paper's order again
        const was = header.getAttribute("aria-sort");
        const next = was === "descending" ? "ascending" : was === "ascending" ? null : "descending";
        headers.forEach((h) => h.removeAttribute("aria-sort"));
        let rows = original;
        if (next) {
          header.setAttribute("aria-sort", next);
          const sign = next === "ascending" ? 1 : -1;
          rows = [...original].sort((a, b) => {
            const x = key(a), y = key(b);
            if (x === "" || y === "") return (x === "") - (y === "");  // unknown last, either way
            return sign * (Number(x) - Number(y));
          });
        }
        table.classList.toggle("sorted", Boolean(next));
        body.append(...rows);
      });
    });
  }
  for (const button of all("[data-show]"))
    button.addEventListener("click", () => {
      for (const kind of ["diff", "neg"]) $("results").classList.toggle("show-" + kind, button.dataset.show === kind);
      press(all("[data-show]"), button);
    });

  if ($("filter")) {
    const buttons = all("[data-filter-detector]");
    const things = all("#results tbody tr, #claims li");
    const apply = () => {
      const pressed = buttons.find((b) => b.getAttribute("aria-pressed") === "true");
      const detector = pressed ? pressed.dataset.filterDetector : "";
      const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
      const controls = !$("controls") || $("controls").checked;
      for (const e of things) {
        const name = e.dataset.name.toLowerCase();
        e.hidden = (detector !== "" && e.dataset.detector !== detector) ||
          (!controls && e.dataset.control === "1") || !words.every((w) => name.includes(w));
      }
      const rows = all("#results tbody tr");
      $("row-count").textContent = `${rows.filter((r) => !r.hidden).length} of ${rows.length} rows`;
    };
    for (const b of buttons)
      b.addEventListener("click", () => {
        press(buttons, b);
        apply();
      });
    $("filter").addEventListener("input", apply);
    if ($("controls")) $("controls").addEventListener("change", apply);
    apply();
  }
