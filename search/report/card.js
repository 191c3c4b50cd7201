"use strict";
/* The card beside the front: what the mouse, a finger or the arrows point at, copied from its article. */
(() => {
  const card = document.getElementById("card");
  const plot = document.querySelector('[data-figure="front"]');
  if (!card || !plot) return;
  const articles = [...document.querySelectorAll("article[data-member]")];
  const body = card.querySelector(".body");
  const [slower, faster] = card.querySelectorAll(".step");
  let shown = -1;

  /* Figures carry names as HTML, as plotly shows them. */
  const plain = (text) => new DOMParser().parseFromString(text, "text/html").body.textContent;

  function fill(place) {
    const copy = articles[place].cloneNode(true);
    copy.querySelectorAll("details, .difference").forEach((part) => part.remove());
    body.replaceChildren(...copy.childNodes);
  }

  /* Room for the tallest card, so that nothing below it moves from one to the next. */
  function reserve() {
    body.style.minHeight = "";
    const heights = articles.map((_, place) => { fill(place); return body.getBoundingClientRect().height; });
    body.style.minHeight = `${Math.ceil(Math.max(...heights))}px`;
    if (shown >= 0) fill(shown);
  }

  function show(place) {
    if (place === shown || !articles[place]) return;
    shown = place;
    fill(place);
    card.dataset.shows = articles[place].dataset.member;
    card.querySelector(".all").hash = articles[place].id;
    slower.disabled = place === 0;
    faster.disabled = place === articles.length - 1;
    ring();
    document.dispatchEvent(new Event("images"));
  }

  /* Enlarges the point that the card is about; frozen axes do not make room for it. */
  function ring() {
    Plotly.relayout(plot, { "xaxis.autorange": false, "yaxis.autorange": false });
    const name = articles[shown].dataset.member;
    plot.data?.forEach((trace, index) => {
      if (trace.meta !== "front" && trace.meta !== "baseline") return;
      const found = trace.customdata.findIndex((data) => plain(data[0]) === name);
      const style = { selectedpoints: [found < 0 ? [] : [found]] };
      Plotly.restyle(plot, { ...style, "selected.marker.size": 17, "unselected.marker.opacity": 1 }, [index]);
    });
  }

  /* The member nearest to the pointer. Plotly's own events miss taps that follow each other. */
  function pointed(event, reach) {
    const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();
    const x = event.clientX - box.left - xaxis._offset, y = event.clientY - box.top - yaxis._offset;
    let [best, distance] = [null, reach];
    for (const trace of plot.data) {
      if (trace.meta !== "front" && trace.meta !== "baseline") continue;
      trace.customdata.forEach(([name], index) => {
        const away = Math.hypot(xaxis.d2p(trace.x[index]) - x, yaxis.d2p(trace.y[index]) - y);
        if (away < distance) [best, distance] = [plain(name), away];
      });
    }
    if (best !== null) show(articles.findIndex((article) => article.dataset.member === best));
  }

  slower.addEventListener("click", () => show(shown - 1));
  faster.addEventListener("click", () => show(shown + 1));
  plot.addEventListener("pointermove", (event) => event.pointerType === "mouse" && pointed(event, 20), true);
  plot.addEventListener("pointerup", (event) => pointed(event, 40), true);
  plot.addEventListener("painted", ring);
  let width = 0;
  new ResizeObserver(() => {
    if (card.offsetWidth === width) return;
    width = card.offsetWidth;
    reserve();
    document.dispatchEvent(new Event("images"));
  }).observe(card);
  reserve();
  const first = articles.findIndex((article) => article.dataset.member === card.dataset.first);
  show(Math.max(0, first));
})();
