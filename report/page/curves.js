
  // ---- the curves: switching rows, reading values, the viewer's threshold as a dot ----
  const area = { left: 62, right: 696, top: 52, bottom: 364, fp: 8 };
  const xOf = (fp) => area.left + ((area.right - area.left) * Math.min(fp, area.fp)) / area.fp;
  const yOf = (s) => area.bottom - (area.bottom - area.top) * s;
  // A point is [threshold, false positives an image, sensitivity, false positives a lesion-free image].
  let xIndex = 1;
  const pointAt = (row, fp) => {  // highest sensitivity at x <= fp, and the highest threshold that reaches it
    let best = null;
    for (const p of R.rows[row].points) {
      if (p[xIndex] === null || p[xIndex] > fp) break;
      best = p;
    }
    return best;
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
      if (p && p[xIndex] !== null && p[xIndex] <= area.fp) dot(marks, row, p[xIndex], p[2], 5);
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
      if (p && shown.includes(row)) dot(group, row, fp, p[2], 4);
      const cells = input.closest("tr").cells;
      cells[1].textContent = p ? num(p[2], 3) : "0.000";
      cells[2].textContent = p ? num(p[xIndex]) : "–";
      cells[3].textContent = p ? num(p[0], 3) : "–";
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
      at = Math.min(area.fp, Math.max(0, ((x - area.left) / (area.right - area.left)) * area.fp));
      probe(chart, at);
    });
    svg.addEventListener("pointerleave", () => probe(chart, (at = 1)));
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.125, ArrowRight: 0.125 }[event.key];
      if (!step) return;
      event.preventDefault();
      at = Math.min(area.fp, Math.max(0, Math.round(at * 8) / 8 + step));
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
  if ($("bands"))
    $("bands").addEventListener("change", () => $("charts").classList.toggle("all-bands", $("bands").checked));
