(() => {
  "use strict";
  const specs = JSON.parse(document.getElementById("charts").textContent);
  const boxes = [...document.querySelectorAll("[data-chart]")];
  const options = { actions: false, renderer: "svg", ast: true, defaultStyle: false, tooltip: { theme: "own", disableDefaultStyle: true } };
  const draw = (box) => vegaEmbed(box, specs[box.dataset.chart], options);
  Promise.all(boxes.map(draw)).then(() => { document.documentElement.dataset.charts = "drawn"; });
})();
