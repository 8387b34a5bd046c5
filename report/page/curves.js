
  // ---- the curves: switching rows, reading values, the viewer's threshold as a dot ----
  const area = { left: 62, right: 696, top: 52, bottom: 364, fp: 8, least: 1 / 16 };
  const octaves = Math.log2(area.fp / area.least);
  let byOctaves = false;
  const xOf = (fp) => {
    const share = byOctaves ? Math.log2(Math.max(fp, area.least) / area.least) / octaves : fp / area.fp;
    return area.left + (area.right - area.left) * Math.min(1, share);
  };
  const fpOf = (x) => {
    const share = Math.min(1, Math.max(0, (x - area.left) / (area.right - area.left)));
    return byOctaves ? area.least * 2 ** (share * octaves) : share * area.fp;
  };
  const yOf = (s) => area.bottom - (area.bottom - area.top) * s;
  // A drawn curve's point is [false positives, sensitivity, thresholds from, to]; one of the first seed at a threshold is
  // [threshold, false positives an image, sensitivity, false positives a lesion-free image].
  let xIndex = 1;
  const curveOf = (row) => (xIndex === 3 ? R.rows[row].negatives : R.rows[row].curve);
  const pointAt = (row, fp) => {  // the last point at x <= fp, its sensitivity read off the curve at fp; null before it
    const points = curveOf(row);
    let k = points.findIndex((p) => p[0] > fp);
    if (k < 0) k = points.length;
    if (k === 0) return null;
    const [x, s, from, to] = points[k - 1];
    if (!R.rows[row].straight || k === points.length) return { x, s, from, to };
    const next = points[k];
    return { x: fp, s: s + ((next[1] - s) * (fp - x)) / (next[0] - x), from, to };
  };
  const thresholds = (p) => {
    const from = num(p.from, 3), to = num(p.to, 3);
    return p.from === null || p.to === null ? "–" : from === to ? from : `${from} – ${to}`;
  };
  const pointFor = (row, threshold) => R.rows[row].at[Math.round(100 * threshold)];  // all with score >= threshold
  const charts = all(".chart");
  const visible = (chart) => all(".series:not(.off)", chart).map((g) => Number(g.dataset.row));
  const dot = (parent, row, fp, s, r) =>
    node("circle", { cx: xOf(fp), cy: yOf(s), r, fill: `var(--s${R.rows[row].colour})`, stroke: "var(--ground)", "stroke-width": 1.5 }, parent);

  function drawMarks(chart) {
    const marks = chart.querySelector(".marks");
    marks.replaceChildren();
    if (!$("threshold")) return;
    for (const row of visible(chart)) {
      const p = pointFor(row, Number($("threshold").value));
      if (!p || p[xIndex] === null || p[xIndex] > area.fp) continue;
      // Of several seeds the curve is the mean: the dot stands on it at the first seed's false positives.
      const on = R.rows[row].seeds > 1 ? pointAt(row, p[xIndex]) : { s: p[2] };
      dot(marks, row, p[xIndex], on ? on.s : 0, 5);
    }
  }
  function probe(chart, fp) {  // reads every curve there, in the legend
    const group = chart.querySelector(".probe");
    group.replaceChildren();
    node("line", { x1: xOf(fp), x2: xOf(fp), y1: area.top, y2: area.bottom }, group);
    chart.querySelector(".readout").textContent =
      `At ${num(fp)} false positives per ${xIndex === 3 ? "lesion-free " : ""}image`;
    const shown = visible(chart);
    for (const input of all(".legend input", chart)) {
      const row = Number(input.dataset.row);
      const p = pointAt(row, fp);
      if (p && shown.includes(row)) dot(group, row, fp, p.s, 4);
      const cells = input.closest("tr").cells;
      cells[1].textContent = p ? num(p.s, 3) : curveOf(row).length > 0 ? "0.000" : "n/a";
      cells[2].textContent = p ? num(p.x) : "–";
      cells[3].textContent = p ? thresholds(p) : "–";
    }
  }
  for (const chart of charts) {
    const svg = chart.querySelector("svg");
    const series = all(".series", chart);
    let at = 1;
    const light = (row) => {  // one curve stands out with its band; null: the first one's band alone
      svg.classList.toggle("dimmed", row !== null);
      series.forEach((g, i) => g.classList.toggle("lit", row === null ? i === 0 : g.dataset.row === row));
    };
    for (const line of all(".legend tbody tr", chart)) {
      const box = line.querySelector("input");
      for (const name of ["pointerenter", "focusin"]) line.addEventListener(name, () => light(box.dataset.row));
      for (const name of ["pointerleave", "focusout"]) line.addEventListener(name, () => light(null));
      const show = () => {
        chart.querySelector(`.series[data-row="${box.dataset.row}"]`).classList.toggle("off", !box.checked);
        line.classList.toggle("off", !box.checked);
      };
      box.addEventListener("change", () => {
        show();
        drawMarks(chart);
        probe(chart, at);
      });
      show();  // a browser may have kept the boxes of an earlier visit
    }
    svg.addEventListener("pointermove", (event) => {
      const r = svg.getBoundingClientRect();
      const x = ((event.clientX - r.left) / r.width) * 720;
      at = fpOf(x);
      probe(chart, at);
    });
    svg.addEventListener("pointerleave", () => probe(chart, (at = 1)));
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way) return;
      event.preventDefault();  // by eighths of a false positive, or of an octave
      at = byOctaves ? Math.max(area.least, 2 ** (Math.round(Math.log2(at) * 8) / 8 + way / 8))
        : Math.max(0, Math.round(at * 8) / 8 + way / 8);
      at = Math.min(area.fp, at);
      probe(chart, at);
    });
    drawMarks(chart);
    probe(chart, at);
  }
  for (const button of all("[data-denominator]"))
    button.addEventListener("click", () => {
      const negatives = button.dataset.denominator === "negatives";
      xIndex = negatives ? 3 : 1;
      $("charts").classList.toggle("negatives", negatives);
      press(all("[data-denominator]"), button);
      for (const label of all(".chart .axis-x"))
        label.textContent = negatives ? "false positives per lesion-free image" : "false positives per image";
      for (const chart of charts) {
        drawMarks(chart);
        probe(chart, 1);
      }
    });
  if ($("log-axis")) {
    const choose = () => {
      byOctaves = $("log-axis").checked;
      $("charts").classList.toggle("logarithmic", byOctaves);
      for (const chart of charts) {
        drawMarks(chart);
        probe(chart, 1);
      }
    };
    $("log-axis").addEventListener("change", choose);
    choose();  // a browser may have kept the box of an earlier visit
  }
  if ($("bands"))
    $("bands").addEventListener("change", () => $("charts").classList.toggle("all-bands", $("bands").checked));
