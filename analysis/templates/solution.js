// The explorer's solutions: a profile along one axis, a map over two, a slider for each other axis.
"use strict";
// The page's own tools: an element by its id, a plot, a number in short, and a new element.
const solutionView = ({ at, plot, shortly, part }) => {
  const REFERENCE = "#888888", APPROXIMATION = "#D55E00";
  const DECADES = 4; // of an error's colours, at most, below its largest
  const MAP = 250, LINE = 60; // points of a slice and of a profile where there is no grid
  const STEPS = 40;
  let solutions = [], sliders = new Map(), shown = "";

  const current = () => solutions[Number(at("who").value) || 0];
  const chosen = (id, otherwise) => (at(id).options.length ? Number(at(id).value) : otherwise);
  const places = (one, axis) => one.grid ? [...new Set(one.points[axis])].sort((a, b) => a - b)
    : Array.from({ length: STEPS + 1 }, (_, k) => one.ends[axis][0] + (k / STEPS) * (one.ends[axis][1] - one.ends[axis][0]));
  const here = (one, axis) => { const slider = sliders.get(axis); return places(one, axis)[Number(slider.input.value)]; };
  const named = (one, axes) => axes.map((axis) => `${one.axes[axis]} = ${shortly(here(one, axis))}`).join(", ");
  const errors = (one) => one.prediction.map((value, k) => Math.abs(value - one.reference[k]));

  // Points at given places of some axes: those of the grid, else the nearest, and how far the farthest lies.
  function near(one, fixed, most) {
    const every = one.prediction.map((_, k) => k);
    if (!fixed.length) return { points: every, away: 0 };
    const aims = fixed.map((axis) => here(one, axis));
    const away = every.map((k) => Math.max(...fixed.map((axis, i) => Math.abs(one.points[axis][k] - aims[i]) / (one.ends[axis][1] - one.ends[axis][0]))));
    if (one.grid) return { points: every.filter((k) => away[k] === 0), away: 0 };
    const found = every.sort((a, b) => away[a] - away[b]).slice(0, most);
    return { points: found, away: away[found[found.length - 1]] };
  }
  const distance = (away) => (away ? `, at most ${shortly(Number((100 * away).toPrecision(2)))} % of an axis away` : "");

  // Anew where another solution has other axes, or another axis goes across.
  function controls(one) {
    const flat = one.axes.length < 3, state = [one.axes.join(), chosen("across", 0), one.grid].join();
    if (state === shown) return;
    for (const [id, first] of [["across", 0], ["up", 1]]) {
      at(id).parentElement.hidden = flat;
      if (flat) at(id).replaceChildren();
      else if (at(id).options.length !== one.axes.length) at(id).replaceChildren(...one.axes.map((name, k) => part("option", name, { value: k, selected: k === first })));
    }
    shown = [one.axes.join(), chosen("across", 0), one.grid].join();
    sliders = new Map();
    const across = chosen("across", 0);
    for (let axis = 0; axis < one.axes.length; axis++) {
      if (axis === across) continue;
      const label = part("label", `${one.axes[axis]} = `), count = places(one, axis).length;
      const input = part("input", "", { type: "range", min: 0, step: 1, max: count - 1, value: one.grid ? 0 : Math.round((count - 1) / 2) });
      const output = document.createElement("output");
      input.dataset.axis = one.axes[axis];
      input.addEventListener("input", draw);
      label.append(input, " ", output);
      sliders.set(axis, { label, input, output });
    }
    at("sliders").replaceChildren(...[...sliders.values()].map((own) => own.label));
  }

  function draw() {
    const one = current();
    if (!one) return;
    controls(one);
    for (const [axis, own] of sliders) {
      own.output.textContent = shortly(here(one, axis));
      own.input.setAttribute("aria-valuetext", `${one.axes[axis]} = ${own.output.textContent}`);
    }
    profile(one);
    map(one);
  }

  function profile(one) {
    const across = chosen("across", 0), fixed = [...sliders.keys()], found = near(one, fixed, LINE);
    const order = found.points.sort((a, b) => one.points[across][a] - one.points[across][b]), take = (values) => order.map((k) => values[k]);
    const every = [...(one.reference || []), ...one.prediction].filter((value) => value !== null);
    const [low, high] = [Math.min(...every), Math.max(...every)], room = 0.05 * (high - low || 1);
    const mode = found.away ? "markers" : "lines", x = take(one.points[across]);
    const traces = one.reference ? [{ x, y: take(one.reference), name: `reference ${one.output}*`, mode, line: { color: REFERENCE, width: 4 }, marker: { color: REFERENCE, size: 9 } }] : [];
    traces.push({ x, y: take(one.prediction), name: `approximation ${one.output}`, mode, line: { color: APPROXIMATION, dash: "dash" }, marker: { color: APPROXIMATION, size: 5 } });
    const where = fixed.length ? ` at ${named(one, fixed)}${distance(found.away)}` : "";
    at("profile-said").textContent = `${one.name}: ${one.output} along ${one.axes[across]}${where}.`;
    plot("profile", traces, { showlegend: true, legend: { orientation: "h", y: 1.02, yanchor: "bottom" }, xaxis: { title: { text: one.axes[across] } }, yaxis: { title: { text: one.output }, range: [low - room, high + room] } },
      `${one.output}${one.reference ? " and its reference" : ""} along ${one.axes[across]}${where}`);
  }

  function map(one) {
    at("map-box").hidden = one.axes.length < 2;
    if (one.axes.length < 2) return;
    const across = chosen("across", 0), other = chosen("up", 1), up = other === across ? [...sliders.keys()][0] : other;
    const fixed = [...sliders.keys()].filter((axis) => axis !== up), found = near(one, fixed, MAP);
    const apart = one.reference ? errors(one) : null, value = (k) => (apart ? Math.log10(apart[k]) : one.prediction[k]);
    const said = apart ? `log₁₀ |${one.output} − ${one.output}*|` : one.output;
    const all = one.prediction.map((_, k) => value(k)).filter(Number.isFinite).sort((a, b) => a - b);
    const high = all[all.length - 1] ?? 0, low = apart ? Math.max(all[Math.floor(0.01 * all.length)] ?? -16, high - DECADES) : all[0];
    const [x, y] = [found.points.map((k) => one.points[across][k]), found.points.map((k) => one.points[up][k])];
    const colour = { colorscale: apart ? "Viridis" : "Cividis", colorbar: { title: { text: said, side: "right" } } };
    const hover = `${one.axes[across]} %{x:.3g}, ${one.axes[up]} %{y:.3g}: ${apart ? "10^" : ""}`;
    let traces;
    if (one.grid) {
      const [columns, lines] = [places(one, across), places(one, up)], index = (list) => new Map(list.map((place, k) => [place, k]));
      const [column, line] = [index(columns), index(lines)], z = lines.map(() => columns.map(() => null));
      found.points.forEach((k) => (z[line.get(one.points[up][k])][column.get(one.points[across][k])] = Math.max(value(k), low)));
      traces = [{ type: "heatmap", x: columns, y: lines, z, zmin: low, zmax: high, ...colour, hovertemplate: `${hover}%{z:.3g}<extra></extra>` }];
    } else {
      const color = found.points.map((k) => Math.max(value(k), low));
      traces = [{ type: "scatter", mode: "markers", x, y, text: color.map((own) => shortly(own)), marker: { size: 9, color, cmin: low, cmax: high, showscale: true, ...colour }, hovertemplate: `${hover}%{text}<extra></extra>` }];
    }
    const space = ![across, up].some((axis) => one.axes[axis] === "t");
    const where = fixed.length ? ` at ${named(one, fixed)}: ${found.points.length} points${distance(found.away)}` : "";
    at("map-said").textContent = `${one.name}: ${said} over ${one.axes[across]} and ${one.axes[up]}${where}. Point at it, and the profile goes through that place.`;
    plot("error-map", traces, { xaxis: { title: { text: one.axes[across] } }, yaxis: { title: { text: one.axes[up] }, ...(space ? { scaleanchor: "x", constrain: "domain" } : {}) } }, `${said} of ${one.name}${where}`).then((place) => {
      place.removeAllListeners("plotly_hover");
      place.on("plotly_hover", (event) => {
        const every = places(one, up), y = event.points[0].y, own = sliders.get(up);
        own.input.value = every.reduce((best, value, k) => (Math.abs(value - y) < Math.abs(every[best] - y) ? k : best), 0);
        own.output.textContent = shortly(here(one, up));
        profile(one);
      });
    });
  }

  return {
    draw,
    start(found) {
      solutions = found;
      at("who").append(...found.map((one, k) => part("option", one.name, { value: k })));
      for (const id of ["who", "across", "up"]) at(id).addEventListener("input", draw);
    },
  };
};
