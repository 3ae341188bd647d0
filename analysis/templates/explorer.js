// The report's explorer: unpacked when it is opened, drawn by Plotly, from the page alone.
"use strict";
document.documentElement.classList.add("scripted");
(() => {
  const at = (id) => document.getElementById(id);
  const COLOURS = { completed: "#0072B2", stopped: "#D55E00", diverged: "#CC79A7", interrupted: "#7F7F7F", failed: "#7F7F7F" };
  const SYMBOLS = { completed: "circle", stopped: "x", diverged: "triangle-up", interrupted: "square", failed: "cross" };
  const LINES = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"];
  let data = null, chosen = null, order = { key: "score", up: true }, ranges = {};

  async function unpacked(id) {
    const bytes = Uint8Array.from(atob(at(id).textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  }
  const loaded = unpacked("packed-data").then((text) => (data = JSON.parse(text)));

  // ---- copies of tables
  function copied(button, text) {
    const done = () => { const said = button.textContent; button.textContent = "copied"; setTimeout(() => (button.textContent = said), 1500); };
    const old = () => {
      const area = document.createElement("textarea");
      area.value = text; document.body.append(area); area.select(); document.execCommand("copy"); area.remove(); done();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, old); else old();
  }
  function copier(label, text, what) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = label; button.setAttribute("aria-label", `Copy ${what} as ${label}`);
    button.addEventListener("click", () => copied(button, text()));
    return button;
  }
  loaded.then(() => {
    for (const place of document.querySelectorAll("[data-copies]")) {
      const own = data.copies[place.dataset.copies];
      if (!own) continue;
      place.append("copy: ");
      for (const [label, kind] of [["CSV", "csv"], ["Markdown", "md"], ["LaTeX", "tex"]])
        place.append(copier(label, () => own[kind], place.dataset.copies), " ");
    }
  });

  // ---- drawing
  function look(more) {
    const style = getComputedStyle(document.body), ink = style.color;
    const line = getComputedStyle(document.documentElement).getPropertyValue("--line");
    const layout = { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 12 },
      margin: { l: 60, r: 20, t: 20, b: 48 }, showlegend: false, hovermode: "closest", ...more };
    for (const name of ["xaxis", "yaxis"])
      layout[name] = { gridcolor: line, zerolinecolor: line, linecolor: line, exponentformat: "power", ...(layout[name] || {}) };
    return layout;
  }
  function plot(id, traces, layout, said) {
    const place = at(id);
    place.setAttribute("role", "figure"); place.setAttribute("aria-label", said);
    return Plotly.react(place, traces, look(layout), { responsive: true, displaylogo: false });
  }
  const trial = (name) => data.trials.find((one) => one.trial === name);
  const shortly = (value) => value === null || value === undefined ? "–" : typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(4))) : typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
  const score = (one) => (one.infinite ? "∞" : shortly(one.score));
  const logarithmic = (values) => { const own = values.filter((v) => v > 0); return own.length > 1 && Math.max(...own) / Math.min(...own) > 10; };

  // ---- trials
  const COLUMNS = () => [
    { key: "trial", name: "trial", of: (one) => one.trial },
    { key: "status", name: "status", of: (one) => one.status },
    { key: "score", name: data.score, of: (one) => (one.infinite ? Infinity : one.score), said: score },
    ...data.settings.map((own) => ({ key: "setting " + own.key, name: own.name, of: (one) => one.settings[own.key] })),
    { key: "iterations", name: "iterations run", of: (one) => one.iterations },
    { key: "loss", name: "loss", of: (one) => one.loss },
    { key: "seconds", name: "time (s)", of: (one) => one.seconds },
    { key: "phase", name: "phase", of: (one) => one.phase },
  ];
  function inRange(one) {
    return Object.entries(ranges).every(([key, spans]) => {
      const value = position(key, one);
      return spans.some(([low, high]) => value !== null && value >= low && value <= high);
    });
  }
  function visible() {
    const words = at("filter").value.toLowerCase(), status = at("status").value, phase = at("phase").value;
    return data.trials.filter((one) => (!status || one.status === status) && (!phase || one.phase === phase) && inRange(one) &&
      (!words || COLUMNS().some((column) => String(column.of(one)).toLowerCase().includes(words))));
  }
  function table() {
    const columns = COLUMNS(), by = columns.find((column) => column.key === order.key) || columns[0];
    const rows = visible().sort((a, b) => {
      const [x, y] = [by.of(a), by.of(b)];
      const missing = (x === null || x === undefined) - (y === null || y === undefined);
      if (missing) return missing;
      const way = typeof x === "number" && typeof y === "number" ? x - y || 0 : String(x).localeCompare(String(y), undefined, { numeric: true });
      return order.up ? way : -way;
    });
    const head = document.createElement("tr");
    for (const column of columns) {
      const cell = document.createElement("th"), button = document.createElement("button");
      cell.scope = "col"; button.type = "button";
      button.textContent = column.name + (column.key === order.key ? (order.up ? " ▲" : " ▼") : "");
      cell.setAttribute("aria-sort", column.key === order.key ? (order.up ? "ascending" : "descending") : "none");
      button.addEventListener("click", () => {
        order = { key: column.key, up: column.key === order.key ? !order.up : true };
        table(); at("trials").querySelectorAll("thead button")[columns.indexOf(column)].focus();
      });
      cell.append(button); head.append(cell);
    }
    at("trials").tHead.replaceChildren(head);
    at("trials").tBodies[0].replaceChildren(...rows.map((one) => {
      const line = document.createElement("tr");
      line.classList.toggle("chosen", one.trial === chosen);
      columns.forEach((column, place) => {
        const cell = document.createElement("td");
        if (place) cell.textContent = column.said ? column.said(one) : shortly(column.of(one));
        else {
          const button = document.createElement("button");
          button.type = "button"; button.textContent = one.trial;
          cell.append(button);
        }
        line.append(cell);
      });
      line.addEventListener("click", () => choose(one.trial));
      return line;
    }));
    at("count").textContent = `${rows.length} of ${data.trials.length} ${data.trials.length === 1 ? "trial" : "trials"}`;
  }
  function choose(name) {
    chosen = name;
    table(); detail(); again("curves", "slice");
  }
  function part(tag, text, more = {}) { return Object.assign(document.createElement(tag), { textContent: text, ...more }); }
  function detail() {
    const one = trial(chosen);
    if (!one) return at("detail").replaceChildren();
    const found = [part("h3", `Trial ${one.trial}: ${one.status}, ${data.score} ${score(one)}`)];
    found.push(part("p", `${shortly(one.iterations)} of ${shortly(one.asked)} ${one.asked === 1 ? "iteration" : "iterations"}, ${shortly(one.seconds)} s.` + (one.error ? ` ${one.error}` : "")));
    const command = document.createElement("p");
    command.append("Train it again: ", part("code", one.command), " ", copier("copy", () => one.command, "the command"));
    found.push(command);
    if (one.looks.length) {
      found.push(part("p", "Looks of the early stopping: " + one.looks.map((look) =>
        `at ${look.rung}, ${shortly(look.score)} against ${look.cutoff === null ? "no cutoff yet" : shortly(look.cutoff)}: ${look.stopped ? "stopped" : "went on"}`).join("; ") + "."));
    }
    if (one.toml) {
      const box = document.createElement("details");
      box.open = true;
      const said = part("summary", "Settings (TOML, for dgm solve --config) ");
      box.append(said, copier("copy", () => one.toml, "the settings"), part("pre", one.toml, { tabIndex: 0 }));
      found.push(box);
    }
    const curve = data.curves[one.trial];
    if (curve) found.splice(2, 0, part("div", "", { id: "own-curve", className: "plot" }));
    at("detail").replaceChildren(...found);
    if (curve) ownCurve(one, curve);
  }
  function ownCurve(one, curve) {
    const colour = COLOURS[one.status] || "#888888", looks = one.looks.filter((look) => look.cutoff !== null);
    plot("own-curve", [
      { x: [...curve.x, ...curve.x.slice().reverse()], y: [...curve.high, ...curve.low.slice().reverse()], fill: "toself", mode: "none", fillcolor: colour + "40", hoverinfo: "skip", name: "interval" },
      { x: curve.x, y: curve.y, mode: curve.x.length > 1 ? "lines" : "markers", name: one.trial, line: { color: colour, width: 2 } },
      { x: looks.map((look) => look.rung), y: looks.map((look) => look.cutoff), mode: "markers", name: "to beat", marker: { symbol: "line-ew-open", size: 14, color: "#888888" } },
    ], { showlegend: true, xaxis: { title: { text: "iterations (optimizer steps)" }, type: "log" }, yaxis: { title: { text: data.score }, type: "log" } },
    `${data.score} of trial ${one.trial} while it trained, with its interval and what it had to beat at each rung`);
  }

  // ---- parallel coordinates
  function categories(key) { return [...new Set(data.trials.map((one) => shortly(one.settings[key])))].sort(); }
  function position(key, one) {
    if (key === "score") return one.score > 0 ? Math.log10(one.score) : null;
    const own = data.settings.find((setting) => setting.key === key), value = one.settings[key];
    if (!own.number) return categories(key).indexOf(shortly(value));
    return value === null ? null : own.log ? (value > 0 ? Math.log10(value) : null) : value;
  }
  const powers = (values) => { const low = Math.ceil(Math.min(...values)), high = Math.floor(Math.max(...values)); return Array.from({ length: Math.max(0, high - low + 1) }, (_, k) => low + k); };
  function parallel() {
    const shown = data.trials.filter((one) => one.score > 0 && one.phase !== "confirm" && data.settings.every((own) => position(own.key, one) !== null));
    const keys = data.settings.filter((own) => shown.length && new Set(shown.map((one) => position(own.key, one))).size > 1).map((own) => own.key);
    if (shown.length < 2 || !keys.length) { at("parallel").textContent = "Too few trials, or nothing that varies between them."; at("parallel").style.height = "auto"; return; }
    const dimensions = [...keys, "score"].map((key) => {
      const own = data.settings.find((setting) => setting.key === key), values = shown.map((one) => position(key, one));
      const dimension = { label: own ? own.name : data.score, values };
      if (own && !own.number) { const names = categories(key); dimension.tickvals = names.map((_, k) => k); dimension.ticktext = names; }
      if (!own || own.log) { const ticks = powers(values); if (ticks.length > 1) { dimension.tickvals = ticks; dimension.ticktext = ticks.map((k) => String(Number(`1e${k}`))); } else { const ends = [Math.min(...values), Math.max(...values)]; dimension.tickvals = ends; dimension.ticktext = ends.map((k) => shortly(10 ** k)); } }
      return dimension;
    });
    const place = at("parallel");
    plot("parallel", [{ type: "parcoords", dimensions, labelside: "bottom",
      line: { color: shown.map((one) => position("score", one)), colorscale: "Viridis", reversescale: true } }],
      { margin: { l: 60, r: 60, t: 24, b: 40 } }, `A line for each of ${shown.length} trials through its settings to its score; the table has the same numbers.`);
    place.on("plotly_restyle", () => {
      ranges = {};
      place.data[0].dimensions.forEach((dimension, k) => {
        const range = dimension.constraintrange;
        if (range) ranges[[...keys, "score"][k]] = Array.isArray(range[0]) ? range : [range];
      });
      table();
    });
  }

  // ---- slices, curves, correlations
  function slice() {
    const own = data.settings.find((setting) => setting.key === at("setting").value);
    if (!own) return;
    const traces = [...new Set(data.trials.map((one) => one.status))].map((status) => {
      const rows = data.trials.filter((one) => one.status === status && one.score !== null);
      return { type: "scatter", mode: "markers", name: status, x: rows.map((one) => own.number ? one.settings[own.key] : shortly(one.settings[own.key])),
        y: rows.map((one) => one.score), customdata: rows.map((one) => one.trial), text: rows.map((one) => `${one.trial}, ${one.status}`),
        marker: { color: COLOURS[status], symbol: SYMBOLS[status], size: rows.map((one) => (one.trial === chosen ? 15 : 8)) } };
    });
    plot("slice", traces, { showlegend: true, xaxis: { title: { text: own.name }, type: own.number ? (own.log ? "log" : "linear") : "category" },
      yaxis: { title: { text: data.score }, type: "log" } }, `${data.score} of every trial against ${own.name}`);
  }
  function curves() {
    const budget = at("budget").value, rung = data.rungs[at("rung").value] || Infinity, traces = [];
    for (const [name, one] of Object.entries(data.curves)) {
      const own = trial(name);
      if (!own) continue;
      const keep = one.x.map((x) => x <= rung), take = (values) => values.filter((_, k) => keep[k]);
      const x = take(one.x).map((value) => value * (budget === "x" ? 1 : one[budget]));
      const mine = name === chosen, colour = COLOURS[own.status] || "#888";
      if (mine) traces.push({ x: [...x, ...x.slice().reverse()], y: [...take(one.high), ...take(one.low).reverse()], fill: "toself", mode: "none", fillcolor: colour + "40", hoverinfo: "skip" });
      traces.push({ x, y: take(one.y), type: "scatter", mode: x.length > 1 ? "lines" : "markers", name, text: name, customdata: x.map(() => name), opacity: mine || !chosen ? 1 : 0.35,
        line: { color: colour, width: mine ? 3 : 1 }, hovertemplate: `${name}: %{y:.3g} at %{x}<extra></extra>` });
    }
    const titles = { x: "iterations (optimizer steps)", points: "training points seen", seconds: "training time (s)" };
    at("rung-said").textContent = rung === Infinity ? "the end" : `rung ${rung}`;
    plot("curves", traces, { xaxis: { title: { text: titles[budget] }, type: "log" }, yaxis: { title: { text: data.score }, type: "log" } },
      `${data.score} of every trial while it trained; of the chosen one with its interval`);
  }
  function correlations() {
    const own = data.correlations;
    plot("correlations", [{ type: "scatter", mode: "markers", x: own.map((one) => one.rho), y: own.map((one) => one.name), marker: { size: 9, color: LINES[0] },
      error_x: { type: "data", symmetric: false, array: own.map((one) => (one.high ?? one.rho) - one.rho), arrayminus: own.map((one) => one.rho - (one.low ?? one.rho)) } }],
      { margin: { l: 20, r: 20, t: 20, b: 48 }, xaxis: { range: [-1.05, 1.05], title: { text: "Spearman's ρ" } }, yaxis: { automargin: true } },
      own.map((one) => `${one.name} ${shortly(one.rho)}`).join("; "));
  }

  // ---- solution
  const view = solutionView({ at, plot, shortly, part });

  // ---- the beginning
  function options(select, values) { for (const [value, name] of values) select.append(part("option", name, { value })); }
  async function open() {
    if (window.Plotly) return;
    try {
      const [script] = await Promise.all([unpacked("packed-library"), loaded]);
      document.head.append(part("script", script));
      if (!window.Plotly) throw new Error("this page may not run it");
    } catch (error) {
      at("state").textContent = `The explorer cannot be shown: ${error.message}.`;
      return;
    }
    at("state").textContent = ""; at("panels").hidden = false;
    options(at("status"), [...new Set(data.trials.map((one) => one.status))].map((s) => [s, s]));
    options(at("phase"), [...new Set(data.trials.map((one) => one.phase))].map((s) => [s, s]));
    options(at("setting"), data.settings.map((own) => [own.key, own.name]));
    view.start(data.solutions);
    at("rung-label").hidden = !data.rungs.length;
    at("rung").max = data.rungs.length; at("rung").value = data.rungs.length;
    for (const id of ["filter", "status", "phase"]) at(id).addEventListener("input", table);
    at("setting").addEventListener("input", slice);
    for (const id of ["budget", "rung"]) at(id).addEventListener("input", curves);
    at("settings-box").hidden = !data.settings.length; // nothing varies, as in a solve
    at("correlation-box").hidden = !data.correlations.length;
    at("solution-box").hidden = !data.solutions.length;
    table();
    const seen = new IntersectionObserver((entries) => entries.filter((one) => one.isIntersecting).forEach(({ target }) => {
      seen.unobserve(target);
      drawn.add(target.id); DRAW[target.id]();
      if (["slice", "curves"].includes(target.id)) target.on?.("plotly_click", (event) => choose(event.points[0].customdata));
    }), { rootMargin: "200px" });
    for (const id of Object.keys(DRAW)) seen.observe(at(id));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => again(...drawn));
  }
  // Each picture is drawn when it is scrolled to, and then again as what it shows changes.
  const drawn = new Set();
  const DRAW = { parallel: () => {
    try { parallel(); } catch { at("parallel").textContent = "This browser has no WebGL, which parallel coordinates need."; }
  }, slice, curves, correlations, profile: view.draw };
  function again(...ids) { for (const id of ids) if (drawn.has(id)) DRAW[id](); }
  at("explorer").addEventListener("toggle", () => at("explorer").open && open());
  if (location.hash === "#explorer" || location.pathname.endsWith("/explore")) at("explorer").open = true;
  addEventListener("beforeprint", () => document.querySelectorAll("details:not(#explorer)").forEach((box) => (box.open = true)));
})();
