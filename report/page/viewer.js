
  // ---- the viewer ----
  if (R.panels.length === 0) {
    document.documentElement.dataset.ready = "true";
    return;
  }
  const stage = $("window");
  const view = { panel: 0, picture: 0, together: false, level: 0.5, width: 1 };
  let film = null;    // the open panel: what its element holds, and its decoded pictures
  let queued = false;

  // A panel's pictures lie in an element of their own, read when the panel is opened.
  const panelData = (index) => JSON.parse($("panel-" + index).textContent);

  function load(png) {
    return new Promise((resolve, reject) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = () => reject(new Error("a picture of this report cannot be decoded"));
      image.src = "data:image/png;base64," + png;
    });
  }
  async function decode(png) {
    const image = await load(png);
    const canvas = element("canvas", { width: image.naturalWidth, height: image.naturalHeight });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const { width, height } = canvas;
    return { width, height, rgba: context.getImageData(0, 0, width, height).data };
  }
  // One byte a pixel of the picture; a map of another size is interpolated between its pixels' centres.
  function fitMap(map, width, height) {
    const out = new Uint8Array(width * height);
    const axis = (n, from) => Array.from({ length: n }, (_, i) => {
      const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / n - 0.5));
      const low = Math.floor(at);
      return [low, Math.min(from - 1, low + 1), at - low];
    });
    const xs = axis(width, map.width), ys = axis(height, map.height);
    const value = (x, y) => map.rgba[4 * (y * map.width + x)];
    for (let y = 0; y < height; ++y)
      for (let x = 0; x < width; ++x) {
        const [x0, x1, u] = xs[x], [y0, y1, v] = ys[y];
        const upper = value(x0, y0) * (1 - u) + value(x1, y0) * u;
        const lower = value(x0, y1) * (1 - u) + value(x1, y1) * u;
        out[y * width + x] = Math.round(upper * (1 - v) + lower * v);
      }
    return out;
  }
  async function need(of, picture) {  // decodes a picture of the panel, once
    const png = of.pictures[picture].png;
    if (!of.decoded[png]) of.decoded[png] = await decode(of.pngs[png]);
    if (of.map && !of.mapImage) of.mapImage = await decode(of.map);
    const image = of.decoded[png];
    if (of.map && !image.map) image.map = fitMap(of.mapImage, image.width, image.height);
  }
  async function open() {
    const mine = film;
    const wanted = view.together ? mine.pictures.map((_, i) => i) : [view.picture];
    for (const picture of wanted) await need(mine, picture);
    if (mine === film) render();  // else another one was chosen meanwhile
  }

  // Black, violet, red, amber, white: rising lightness, so that it reads without colour too.
  const ramp = [[0, 0, 4], [87, 15, 109], [187, 55, 84], [249, 142, 8], [252, 255, 164]];
  const heat = Array.from({ length: 256 }, (_, v) => {
    const p = (v / 255) * (ramp.length - 1);
    const i = Math.min(ramp.length - 2, Math.floor(p));
    return [0, 1, 2].map((c) => ramp[i][c] + (p - i) * (ramp[i + 1][c] - ramp[i][c]));
  });

  // What a value v under a map value m looks like, as a table [m][v]: the fused picture is
  // I (alpha + (1 - alpha) L), then the window maps level - width / 2 … level + width / 2 to black … white.
  function looks(fused) {
    const alpha = Number($("alpha").value);
    const low = view.level - view.width / 2;
    const table = new Uint8ClampedArray(fused ? 65536 : 256);
    for (let i = 0; i < table.length; ++i) {
      const factor = fused ? alpha + (1 - alpha) * ((i >> 8) / 255) : 1;
      table[i] = ((((i & 255) / 255) * factor - low) / view.width) * 255;
    }
    return table;
  }
  function paint(canvas, picture) {
    const { png, fused } = film.pictures[picture];
    const image = film.decoded[png];
    if (!image) return;
    canvas.width = image.width;
    canvas.height = image.height;
    const context = canvas.getContext("2d");
    const out = context.createImageData(image.width, image.height);
    const table = looks(fused);
    const tint = image.map && $("overlay").checked;
    for (let i = 0; i < out.data.length; i += 4) {
      const m = image.map ? image.map[i >> 2] : 0;
      const row = fused ? m << 8 : 0;
      const mix = tint ? 0.55 * Math.sqrt(m / 255) : 0;
      for (let c = 0; c < 3; ++c) {
        const shown = table[row + image.rgba[i + c]];
        out.data[i + c] = tint ? shown * (1 - mix) + heat[m][c] * mix : shown;
      }
      out.data[i + 3] = 255;
    }
    context.putImageData(out, 0, 0);
  }
  // Boxes of a row (or of none) over a picture; returns what they say in words.
  function drawBoxes(overlay, row, labels) {
    const { width, height } = R.panels[view.panel];
    const threshold = Number($("threshold").value);
    overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    overlay.setAttribute("preserveAspectRatio", "none");
    overlay.replaceChildren();
    const rect = (b, kind) =>
      node("rect", { x: b[0], y: b[1], width: b[2] - b[0], height: b[3] - b[1], class: kind }, overlay);
    if ($("show-truth").checked) for (const b of film.truth) rect(b, "truth");
    const size = width / 34;
    let shown = 0, hits = 0, uncounted = 0;
    for (const p of film.predictions[row] || []) {
      if (p[4] < threshold) continue;
      ++shown;
      hits += p[5];
      uncounted += p[6];
      rect(p, p[5] ? "hit" : p[6] ? "uncounted" : "miss");
      if (!labels) continue;
      const y = p[1] > 1.4 * size ? p[1] - 0.4 * size : p[3] + 1.1 * size;
      node("text", { x: Math.max(0, p[0]), y, "font-size": size }, overlay).textContent = num(p[4]);
    }
    return `${film.truth.length} true, ${shown} predicted: ${hits} right, ${shown - hits - uncounted} wrong` +
      (uncounted ? `, ${uncounted} not counted` : "");
  }
  const rowKey = (row) => (R.rows[row] ? R.rows[row].key : "none");
  function pictureOf(row) {  // the picture that the row's detector saw; -1 where the panel has none
    const found = film.pictures.findIndex((p) => p.key === rowKey(row));
    return found < 0 && rowKey(row) === "none" ? 0 : found;
  }
  function rowOf(picture) {  // the row of the chosen detector that saw this picture; -1 where there is none
    const detector = (R.rows[Number($("row").value)] || {}).detector;
    const key = film.pictures[picture].key;
    return R.rows.findIndex((r) => r.detector === detector && r.key === key);
  }

  const nameOf = (row) => {
    const option = $("row").querySelector(`option[value="${row}"]`);
    return option ? option.textContent : "no row";
  };
  // Whose boxes are drawn on which picture, in words.
  function whose(row) {
    if (R.rows.length === 0) return `Picture: ${film.pictures[view.picture].name}.`;
    if (view.together) return "Each picture has the boxes of the row whose detector saw it.";
    const { name, fused } = film.pictures[view.picture];
    const alpha = Number($("alpha").value), other = pictureOf(row), saw = other === view.picture;
    return `Picture: ${name}${fused ? `, α = ${num(alpha)}` : ""}. Boxes of ${nameOf(row)}, whose detector saw ` +
      (!saw && other >= 0 ? `${film.pictures[other].name}, not this picture.`
        : !saw ? "a picture that is not shown here."
        : fused && alpha !== R.alpha ? `it at α = ${num(R.alpha)}.` : "this picture.");
  }

  function draw() {
    const row = Number($("row").value);
    const threshold = Number($("threshold").value);
    for (const [id, digits] of [["alpha", 2], ["threshold", 2], ["level", 2], ["width", 2]])
      $(id + "-value").value = num(Number($(id).value), digits);
    if (view.together) {
      for (const cell of all(".cell", $("grid"))) {
        const picture = Number(cell.dataset.picture);
        const of = rowOf(picture);
        paint(cell.querySelector("canvas"), picture);
        const words = drawBoxes(cell.querySelector("svg"), of, false);
        cell.querySelector("small").textContent = of < 0 ? "no row" : words;
      }
    } else {
      paint($("picture"), view.picture);
    }
    const words = drawBoxes($("boxes"), row, true);
    $("whose").textContent = whose(row);
    const whole = R.rows.length > 0 ? pointFor(row, threshold) || [threshold, 0, 0] : null;
    $("state").textContent = `This image: ${words}.` + (!whole ? "" : " Whole test set at this threshold (first seed): " +
      `sensitivity ${num(whole[2], 3)} at ${num(whole[1])} false positives per image.`);
    charts.forEach(drawMarks);
    document.documentElement.dataset.ready = "true";
  }
  function render() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      draw();
    });
  }

  function followPicture() {  // the row of the chosen detector whose picture is shown, if there is one
    const row = view.together ? -1 : rowOf(view.picture);
    if (row >= 0) $("row").value = String(row);
  }
  function choosePicture(picture) {  // -1: all of them, side by side
    view.together = picture < 0;
    if (picture >= 0) view.picture = picture;
    const buttons = all("button", $("pictures"));
    press(buttons, buttons[view.together ? buttons.length - 1 : picture]);
    $("single").hidden = view.together;
    $("grid").hidden = !view.together;
    $("alpha").disabled = !film.pictures.some((p, i) => p.fused && (view.together || i === view.picture));
    $("overlay").disabled = !film.map;
    open();
  }
  function layPictures() {
    const buttons = film.pictures.map((p) => p.name);
    if (buttons.length > 1) buttons.push("Side by side");
    $("pictures").replaceChildren(...buttons.map((name, i) => {
      const b = element("button", { type: "button", "aria-pressed": "false" }, name);
      b.addEventListener("click", () => {
        choosePicture(i < film.pictures.length ? i : -1);
        followPicture();
      });
      return b;
    }));
    $("grid").replaceChildren(...film.pictures.map((p, i) => {
      const label = element("p", {}, p.name, element("small", {}));
      const cell = element("div", { class: "cell", "data-picture": i },
        element("canvas", { role: "img", "aria-label": p.name }), label);
      node("svg", { "aria-hidden": "true" }, cell);
      return cell;
    }));
  }
  const items = all("#films li");
  function choosePanel(index) {
    view.panel = (index + R.panels.length) % R.panels.length;
    const before = film && film.pictures[view.picture].key;
    film = panelData(view.panel);
    film.decoded = {};
    items.forEach((item, i) => item.setAttribute("aria-selected", String(i === view.panel)));
    $("films").setAttribute("aria-activedescendant", "film-" + view.panel);
    const list = $("films"), item = items[view.panel];  // scrolls the list alone, not the page
    list.scrollTop += Math.min(0, item.offsetTop - list.scrollTop) +
      Math.max(0, item.offsetTop + item.offsetHeight - list.scrollTop - list.clientHeight);
    list.scrollLeft = Math.max(0, item.offsetLeft - (list.clientWidth - item.offsetWidth) / 2);
    $("film-count").textContent = `${view.panel + 1} of ${R.panels.length}`;
    $("film-title").textContent = item.querySelector("span").firstChild.textContent;
    $("classes").textContent = film.classes;
    layPictures();
    const same = film.pictures.findIndex((p) => p.key === before);
    // First a fused one; where no row's detector saw such a picture, the last that one saw.
    const seen = (p) => R.rows.length === 0 || R.rows.some((r) => r.key === p.key);
    const fused = film.pictures.findIndex((p) => p.fused && seen(p));
    const last = film.pictures.some((p) => p.fused) ? film.pictures.findLastIndex(seen) : 0;
    view.picture = Math.max(0, same >= 0 ? same : fused >= 0 ? fused : last);
    choosePicture(view.together && film.pictures.length > 1 ? -1 : view.picture);
  }
  function setWindow(level, width) {
    view.level = Math.min(1, Math.max(0, level));
    view.width = Math.min(2, Math.max(0.02, width));
    $("level").value = view.level;
    $("width").value = view.width;
    render();
  }
  for (const id of ["alpha", "threshold"]) $(id).addEventListener("input", render);
  for (const id of ["level", "width"])
    $(id).addEventListener("input", () => setWindow(Number($("level").value), Number($("width").value)));
  for (const id of ["overlay", "show-truth"]) $(id).addEventListener("change", render);
  $("row").addEventListener("change", () => {
    const picture = pictureOf(Number($("row").value));
    if (!view.together && picture >= 0) choosePicture(picture);
    render();
  });
  $("previous").addEventListener("click", () => choosePanel(view.panel - 1));
  $("next").addEventListener("click", () => choosePanel(view.panel + 1));
  for (const item of items) item.addEventListener("click", () => choosePanel(Number(item.dataset.index)));
  $("films").addEventListener("keydown", (event) => {
    const to = { ArrowUp: view.panel - 1, ArrowLeft: view.panel - 1, ArrowDown: view.panel + 1,
      ArrowRight: view.panel + 1, Home: 0, End: R.panels.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choosePanel(Math.min(R.panels.length - 1, Math.max(0, to)));
  });

  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, y: event.clientY, level: view.level, width: view.width };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const side = stage.getBoundingClientRect().width;
    setWindow(drag.level + (event.clientY - drag.y) / side, drag.width + (2 * (event.clientX - drag.x)) / side);
  });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => (drag = null));
  stage.addEventListener("dblclick", () => setWindow(0.5, 1));
  stage.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-0.02, 0], ArrowDown: [0.02, 0], ArrowLeft: [0, -0.05], ArrowRight: [0, 0.05] }[event.key];
    const page = { PageUp: -1, PageDown: 1 }[event.key];
    if (event.key === "Home") setWindow(0.5, 1);
    else if (step) setWindow(view.level + step[0], view.width + step[1]);
    else if (page) choosePanel(view.panel + page);
    else return;
    event.preventDefault();
  });
  $("reset").addEventListener("click", () => {
    $("alpha").value = R.alpha;
    $("threshold").value = R.threshold;
    setWindow(0.5, 1);
  });

  // Small pictures of the list, one after another, when they come into sight.
  const waiting = [];
  async function fillThumbnails() {
    while (waiting.length > 0) {
      const item = waiting[0];
      const data = panelData(Number(item.dataset.index));
      const image = await load(data.pngs[0]);
      const canvas = item.querySelector("canvas");
      const scale = canvas.width / Math.max(image.naturalWidth, image.naturalHeight);
      const w = image.naturalWidth * scale, h = image.naturalHeight * scale;
      canvas.getContext("2d").drawImage(image, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
      canvas.dataset.drawn = "true";
      await new Promise((resolve) => setTimeout(resolve));  // the page stays answering
      waiting.shift();
    }
  }
  const sight = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      sight.unobserve(entry.target);
      waiting.push(entry.target);
      if (waiting.length === 1) fillThumbnails();
    }
  }, { root: $("films"), rootMargin: "100px" });
  items.forEach((item) => sight.observe(item));
  choosePanel(0);
  followPicture();
