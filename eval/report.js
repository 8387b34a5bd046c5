"use strict";
(() => {
  const R = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const svgNS = "http://www.w3.org/2000/svg";
  const num = (v, d = 2) => (v === null || v === undefined ? "n/a" : v.toFixed(d));
  const node = (name, attributes, parent) => {
    const e = document.createElementNS(svgNS, name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (parent) parent.append(e);
    return e;
  };

  // ---- the table: sorting, intervals or differences ----
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = header.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const was = header.getAttribute("aria-sort");
        const next = was === "descending" ? "ascending" : was === "ascending" ? null : "descending";
        headers.forEach((h) => h.removeAttribute("aria-sort"));
        let rows = original;
        if (next) {
          header.setAttribute("aria-sort", next);
          const key = (row) => row.cells[column].dataset.sort;
          const sign = next === "ascending" ? 1 : -1;
          rows = [...original].sort((a, b) => {
            const x = key(a), y = key(b);
            if (x === "" || y === "") return (x === "") - (y === "");  // unknown last, either way
            const difference = Number(x) - Number(y);
            return sign * (Number.isNaN(difference) ? x.localeCompare(y) : difference);
          });
        }
        table.classList.toggle("sorted", Boolean(next));
        body.append(...rows);
      });
    });
  }
  for (const button of document.querySelectorAll("[data-show]"))
    button.addEventListener("click", () => {
      for (const kind of ["diff", "neg"]) $("results").classList.toggle("show-" + kind, button.dataset.show === kind);
      for (const b of document.querySelectorAll("[data-show]")) b.setAttribute("aria-pressed", String(b === button));
    });

  // ---- the curves: switching rows, reading values, the viewer's threshold as a dot ----
  const area = { left: 62, right: 696, top: 52, bottom: 364, fp: 8 };
  const xOf = (fp) => area.left + ((area.right - area.left) * Math.min(fp, area.fp)) / area.fp;
  const yOf = (s) => area.bottom - (area.bottom - area.top) * s;
  // A point is [threshold, false positives an image, sensitivity, false positives a lesion-free image].
  let xIndex = 1;
  const pointAt = (row, fp) => {  // last point with x <= fp
    let best = null;
    for (const p of R.rows[row].points) {
      if (p[xIndex] === null || p[xIndex] > fp) break;
      best = p;
    }
    return best;
  };
  const pointFor = (row, threshold) => {  // all detections with score >= threshold
    let best = null;
    for (const p of R.rows[row].points) {
      if (p[0] < threshold) break;
      best = p;
    }
    return best;
  };
  const charts = [...document.querySelectorAll(".chart")];
  const visible = (chart) =>
    [...chart.querySelectorAll(".series:not(.off)")].map((g) => Number(g.dataset.row));
  const dot = (parent, row, fp, s, r) =>
    node("circle", { cx: xOf(fp), cy: yOf(s), r, fill: `var(--s${R.rows[row].colour})`, stroke: "var(--ground)", "stroke-width": 1.5 }, parent);

  function drawMarks(chart) {
    let marks = chart.querySelector(".marks");
    if (!marks) marks = node("g", { class: "marks" }, chart.querySelector("svg"));
    marks.replaceChildren();
    const t = $("threshold") ? Number($("threshold").value) : null;
    if (t === null) return;
    for (const row of visible(chart)) {
      const p = pointFor(row, t);
      if (p && p[xIndex] !== null && p[xIndex] <= area.fp) dot(marks, row, p[xIndex], p[2], 5);
    }
  }
  function probe(chart, fp) {
    const group = chart.querySelector(".probe");
    const out = chart.querySelector(".readout");
    group.replaceChildren();
    out.textContent = "";
    if (fp === null) return;
    node("line", { x1: xOf(fp), x2: xOf(fp), y1: area.top, y2: area.bottom }, group);
    const parts = [];
    for (const row of visible(chart)) {
      const p = pointAt(row, fp);
      if (p) dot(group, row, fp, p[2], 4);
      parts.push([R.rows[row].enhancement, p]);
    }
    out.append(`At ${num(fp)} false positives per ${xIndex === 3 ? "lesion-free " : ""}image: `);
    parts.forEach(([name, p], i) => {
      const b = document.createElement("b");
      b.textContent = p ? num(p[2], 3) : "0.000";
      out.append(`${i ? " · " : ""}${name} `, b, p ? ` (score ≥ ${num(p[0])})` : "");
    });
  }
  for (const chart of charts) {
    const svg = chart.querySelector("svg");
    const series = [...chart.querySelectorAll(".series")];
    const light = (row) => {  // one curve stands out with its band; null: the baseline's band alone
      svg.classList.toggle("dimmed", row !== null);
      series.forEach((g, i) => g.classList.toggle("lit", row === null ? i === 0 : g.dataset.row === row));
    };
    for (const label of chart.querySelectorAll(".legend label")) {
      const row = label.querySelector("input").dataset.row;
      for (const name of ["pointerenter", "focusin"]) label.addEventListener(name, () => light(row));
      for (const name of ["pointerleave", "focusout"]) label.addEventListener(name, () => light(null));
    }
    for (const box of chart.querySelectorAll(".legend input"))
      box.addEventListener("change", () => {
        chart.querySelector(`.series[data-row="${box.dataset.row}"]`).classList.toggle("off", !box.checked);
        drawMarks(chart);
        probe(chart, null);
      });
    const fpAt = (event) => {
      const r = svg.getBoundingClientRect();
      const x = ((event.clientX - r.left) / r.width) * 720;
      return Math.min(area.fp, Math.max(0, ((x - area.left) / (area.right - area.left)) * area.fp));
    };
    svg.addEventListener("pointermove", (event) => probe(chart, fpAt(event)));
    svg.addEventListener("pointerleave", () => probe(chart, null));
    let at = 1;
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.125, ArrowRight: 0.125 }[event.key];
      if (!step) return;
      event.preventDefault();
      at = Math.min(area.fp, Math.max(0, at + step));
      probe(chart, at);
    });
  }

  for (const button of document.querySelectorAll("[data-denominator]"))
    button.addEventListener("click", () => {
      const negatives = button.dataset.denominator === "negatives";
      xIndex = negatives ? 3 : 1;
      $("charts").classList.toggle("negatives", negatives);
      for (const b of document.querySelectorAll("[data-denominator]")) b.setAttribute("aria-pressed", String(b === button));
      for (const label of document.querySelectorAll(".chart .axis-x"))
        label.textContent = negatives ? "false positives per lesion-free image" : "false positives per image";
      charts.forEach(drawMarks);
    });
  if ($("bands")) $("bands").addEventListener("change", () =>
    $("charts").classList.toggle("all-bands", $("bands").checked));

  // ---- the viewer ----
  if (R.panels.length === 0) return;
  const canvas = $("picture");
  const context = canvas.getContext("2d");
  const overlay = $("boxes");
  const stage = $("window");
  const view = { panel: 0, picture: 0, centre: 0.5, width: 1 };
  let base = null;   // RGBA bytes of the picture
  let map = null;    // one byte a pixel, or null
  let queued = false;

  function load(png) {
    return new Promise((resolve, reject) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = () => reject(new Error("a picture of this report cannot be decoded"));
      image.src = "data:image/png;base64," + png;
    });
  }
  function pixels(image, width, height) {
    const c = document.createElement("canvas");
    c.width = width;
    c.height = height;
    const x = c.getContext("2d", { willReadFrequently: true });
    x.imageSmoothingQuality = "high";
    x.drawImage(image, 0, 0, width, height);
    return x.getImageData(0, 0, width, height).data;
  }
  async function open() {
    const panel = R.panels[view.panel];
    const wanted = view.panel + "/" + view.picture;
    const image = await load(panel.pictures[view.picture].png);
    const mapImage = panel.map ? await load(panel.map) : null;
    if (wanted !== view.panel + "/" + view.picture) return;  // another one was chosen meanwhile
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    base = pixels(image, canvas.width, canvas.height);
    map = null;
    if (mapImage) {
      const rgba = pixels(mapImage, canvas.width, canvas.height);
      map = new Uint8ClampedArray(canvas.width * canvas.height);
      for (let i = 0; i < map.length; ++i) map[i] = rgba[4 * i];
    }
    for (const id of ["alpha", "overlay"]) $(id).disabled = !map;
    $("classes").textContent = panel.classes.length
      ? "Active classes: " + panel.classes.map(([n, p]) => `${n} ${num(p)}`).join(", ") : "";
    render();
  }
  // Black, violet, red, amber, white: rising lightness, so that it reads without colour too.
  const ramp = [[0, 0, 4], [87, 15, 109], [187, 55, 84], [249, 142, 8], [252, 255, 164]];
  function heat(v) {
    const p = (v / 255) * (ramp.length - 1);
    const i = Math.min(ramp.length - 2, Math.floor(p));
    return [0, 1, 2].map((c) => ramp[i][c] + (p - i) * (ramp[i + 1][c] - ramp[i][c]));
  }
  const heatTable = Array.from({ length: 256 }, (_, v) => heat(v));

  function paint() {
    if (!base) return;
    const alpha = map ? Number($("alpha").value) : 1;
    const tint = map && $("overlay").checked;
    const low = view.centre - view.width / 2;
    const out = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < out.data.length; i += 4) {
      const m = map ? map[i >> 2] : 255;
      const factor = alpha + (1 - alpha) * (m / 255);  // the fused picture: I (alpha + (1 - alpha) L)
      const mix = tint ? 0.55 * Math.sqrt(m / 255) : 0;
      for (let c = 0; c < 3; ++c) {
        const v = (((base[i + c] / 255) * factor - low) / view.width) * 255;
        const shown = v < 0 ? 0 : v > 255 ? 255 : v;
        out.data[i + c] = shown * (1 - mix) + heatTable[m][c] * mix;
      }
      out.data[i + 3] = 255;
    }
    context.putImageData(out, 0, 0);
  }
  function drawBoxes() {
    const panel = R.panels[view.panel];
    const row = Number($("row").value);
    const threshold = Number($("threshold").value);
    overlay.setAttribute("viewBox", `0 0 ${panel.width} ${panel.height}`);
    overlay.replaceChildren();
    const rect = (b, kind) =>
      node("rect", { x: b[0], y: b[1], width: b[2] - b[0], height: b[3] - b[1], class: kind }, overlay);
    if ($("show-truth").checked) for (const b of panel.truth) rect(b, "truth");
    const size = panel.width / 34;
    let shown = 0, hits = 0;
    for (const p of panel.predictions[row] || []) {
      if (p[4] < threshold) continue;
      ++shown;
      hits += p[5];
      rect(p, p[5] ? "hit" : "miss");
      const label = node("text", { x: p[0], y: p[1] > 1.4 * size ? p[1] - 0.4 * size : p[3] + 1.1 * size, "font-size": size }, overlay);
      label.textContent = num(p[4]);
    }
    const whole = pointFor(row, threshold);
    $("state").textContent = `This image: ${panel.truth.length} true, ${shown} predicted, ${hits} of them right. ` +
      `Whole test set at this threshold: sensitivity ${num(whole ? whole[2] : 0, 3)} at ${num(whole ? whole[1] : 0)} false positives per image.`;
  }
  function render() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      $("alpha-value").value = num(Number($("alpha").value));
      $("threshold-value").value = num(Number($("threshold").value));
      $("window-value").value = `centre ${num(view.centre)}, width ${num(view.width)}`;
      paint();
      drawBoxes();
      charts.forEach(drawMarks);
      document.documentElement.dataset.ready = "true";
    });
  }
  function choosePanel(index) {
    view.panel = (index + R.panels.length) % R.panels.length;
    view.picture = 0;
    $("panel").value = String(view.panel);
    const pictures = R.panels[view.panel].pictures;
    $("kind").replaceChildren(...pictures.map((p, i) => new Option(p.name, String(i))));
    $("kind-label").hidden = pictures.length < 2;
    open();
  }
  function setWindow(centre, width) {
    view.centre = Math.min(1, Math.max(0, centre));
    view.width = Math.min(2, Math.max(0.02, width));
    render();
  }
  for (const id of ["alpha", "threshold"]) $(id).addEventListener("input", render);
  for (const id of ["overlay", "show-truth", "row"]) $(id).addEventListener("change", render);
  $("panel").addEventListener("change", () => choosePanel(Number($("panel").value)));
  $("previous").addEventListener("click", () => choosePanel(view.panel - 1));
  $("next").addEventListener("click", () => choosePanel(view.panel + 1));
  $("kind").addEventListener("change", () => {
    view.picture = Number($("kind").value);
    open();
  });
  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, y: event.clientY, centre: view.centre, width: view.width };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const side = stage.getBoundingClientRect().width;
    setWindow(drag.centre + (event.clientY - drag.y) / side, drag.width + (2 * (event.clientX - drag.x)) / side);
  });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => (drag = null));
  stage.addEventListener("dblclick", () => setWindow(0.5, 1));
  stage.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-0.02, 0], ArrowDown: [0.02, 0], ArrowLeft: [0, -0.05], ArrowRight: [0, 0.05] }[event.key];
    if (event.key === "Home") setWindow(0.5, 1);
    if (!step) return;
    event.preventDefault();
    setWindow(view.centre + step[0], view.width + step[1]);
  });
  $("reset").addEventListener("click", () => {
    $("alpha").value = R.alpha;
    $("threshold").value = R.threshold;
    setWindow(0.5, 1);
  });
  choosePanel(0);
})();
