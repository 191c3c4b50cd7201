"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const narrow = matchMedia("(max-width: 600px)");
  const coarse = matchMedia("(pointer: coarse)").matches;
  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function paint(trace) {
    const role = trace.meta === "pruned" || trace.meta === "guide" ? "trial" : trace.meta;
    const colour = variable(role);
    // A label would lie under the finger; the card tells the same.
    if (coarse && trace.customdata && /front|baseline/.test(trace.meta)) Object.assign(trace, { hovertemplate: "", hoverinfo: "none" });
    if (trace.line) trace.line.color = colour;
    if (trace.marker) {
      trace.marker.color = colour;
      if (trace.marker.line) trace.marker.line.color = colour;
      else if (trace.meta === "front") trace.marker.line = { width: 2, color: variable("paper") };
    }
    return trace;
  }

  function axis(own) {
    const line = variable("line"), soft = variable("soft");
    const title = typeof own.title === "object" ? own.title.text : own.title;
    return {
      gridcolor: line, linecolor: line, zeroline: false, automargin: true, ticks: "",
      tickfont: { color: soft, size: 12 }, ...own,
      title: { text: title, font: { color: soft, size: 13 }, standoff: 12 },
    };
  }

  function layout(own) {
    const result = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: variable("sans"), color: variable("ink"), size: 13 },
      margin: { l: narrow.matches ? 44 : 60, r: 12, t: 44, b: 52 },
      hoverlabel: { bgcolor: variable("card"), bordercolor: variable("line"), align: "left",
        font: { color: variable("ink"), family: variable("sans"), size: 13 } },
      hovermode: "closest", hoverdistance: coarse ? 36 : 20, dragmode: coarse ? false : "zoom", ...own,
    };
    delete result.template;
    for (const key of Object.keys(result)) if (/^[xy]axis\d*$/.test(key)) result[key] = axis(result[key]);
    if (!("legend" in own)) result.margin.t = 12;
    return result;
  }

  /* The front's plot shows one of two quantities, as the switch above it says. */
  const quantity = () => document.querySelector(".quantity input:checked")?.value ?? "front";

  function draw() {
    for (const place of document.querySelectorAll("[data-figure]")) {
      const name = place.dataset.figure === "front" ? quantity() : place.dataset.figure;
      const figure = structuredClone(figures[name]);
      Plotly.react(place, figure.data.map(paint), layout(figure.layout),
        { responsive: true, displayModeBar: false });
      place.dispatchEvent(new Event("painted"));
    }
  }

  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  narrow.addEventListener("change", draw);
  document.querySelector(".quantity")?.addEventListener("change", draw);
})();
