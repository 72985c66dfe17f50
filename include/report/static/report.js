// Choosing a project and a period. All numbers and words are in the page already; this puts those of
// the choice in their places, and draws the charts again. Without it the page shows the first choice.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const form = document.getElementById("choice");
  const project = document.getElementById("project");
  const period = document.getElementById("period");
  const said = document.getElementById("said");
  const ALL = -1;
  const MOST_ROWS = 500;
  const figures = [...document.querySelectorAll("figure[data-chart]")];
  const drawn = new WeakMap(); // figure → the choice it shows

  const choice = () => ({ project: Number(project.value), period: period.value });
  const key = (chosen) => `${chosen.project}|${chosen.period}`;

  // The same rows as `Chart.shown` in the code that made this page.
  const rowsOf = (chart, chosen) => {
    const names = Object.keys(chart.columns);
    const { p, w, t } = chart.columns;
    const since = data.since[chosen.period];
    const place = data.periods.indexOf(chosen.period);
    const rows = [];
    for (let at = 0; at < p.length; at += 1) {
      if ((chosen.project !== ALL || chart.total) && p[at] !== chosen.project) continue;
      if (!chart.timeless) {
        if (w && w[at] !== place) continue;
        if (!w && since !== null && t[at] < since) continue;
      }
      rows.push(Object.fromEntries(names.map((name) => [name, chart.columns[name][at]])));
    }
    return rows;
  };

  const draw = async (figure) => {
    const chosen = choice();
    if (drawn.get(figure) === key(chosen)) return;
    drawn.set(figure, key(chosen));
    const chart = data.charts[figure.dataset.chart];
    const rows = rowsOf(chart, chosen);
    const place = figure.querySelector(".drawn");
    place.hidden = rows.length === 0;
    figure.querySelector('[data-part="empty"]').hidden = rows.length > 0;
    figure.querySelector('[data-part="count"]').textContent =
      data.texts[key(chosen)].counts[figure.dataset.chart] ?? "";
    tabulate(figure, rows);
    if (rows.length === 0) return;
    const step = chart.spec.height.step; // of a chart of rows
    await vegaEmbed(
      place,
      { ...chart.spec, height: step ? step * rows.length : chart.spec.height, data: { values: rows } },
      {
        actions: false,
        ast: true,
        config: data.config,
        defaultStyle: false,
        logLevel: 1, // errors alone: a layer without rows is none
        renderer: "svg",
        tooltip: { disableDefaultStyle: true },
      },
    );
    // Its frame says what it is, and the table what is in it.
    place.querySelector("svg").setAttribute("aria-hidden", "true");
    figure.dataset.shows = key(chosen);
  };

  // Whoever does not see the chart, or wants the numbers, gets them as a table.
  const tabulate = (figure, rows) => {
    const details = figure.querySelector("details.numbers");
    details.hidden = rows.length === 0;
    details.rows = rows;
    if (details.open) fill(details);
  };

  const fill = (details) => {
    const rows = details.rows ?? [];
    const names = Object.keys(rows[0] ?? {}).filter((name) => name !== "p" && name !== "w");
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const name of names) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = name === "t" ? "UTC" : name.replaceAll("_", " ");
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of rows.slice(0, MOST_ROWS)) {
      const line = body.insertRow();
      for (const name of names) line.insertCell().textContent = written(name, row[name]);
    }
    details.querySelector(".scroll").replaceChildren(table);
  };

  const written = (name, value) => {
    if (value === null || value === undefined) return "–";
    if (name === "t") return new Date(value).toISOString().slice(0, 16).replace("T", " ");
    return typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 3 }) : value;
  };

  const say = (chosen) => {
    const texts = data.texts[key(chosen)];
    for (const [name, figure] of Object.entries(texts.figures)) {
      for (const part of document.querySelectorAll(`[data-figure="${name}"] [data-part]`)) {
        part.textContent = figure[part.dataset.part];
      }
    }
    for (const one of document.querySelectorAll(".finding")) {
      one.hidden = chosen.project !== ALL && Number(one.dataset.project) !== chosen.project;
    }
    document.getElementById("no-findings").hidden =
      document.querySelector("#active .finding:not([hidden])") !== null;
    for (const table of document.querySelectorAll("[data-table]")) filter(table, chosen);
  };

  const filter = (table, chosen) => {
    let isEmpty = true;
    for (const row of table.querySelectorAll("tbody tr")) {
      const isOther = chosen.project !== ALL && Number(row.dataset.project) !== chosen.project;
      row.hidden = isOther || (row.dataset.period !== "" && row.dataset.period !== chosen.period);
      isEmpty &&= row.hidden;
    }
    table.querySelector(".scroll").hidden = isEmpty;
    table.querySelector(".empty").hidden = !isEmpty;
  };

  const change = async () => {
    const chosen = choice();
    history.replaceState(null, "", `#project=${chosen.project}&period=${chosen.period}`);
    say(chosen);
    for (const figure of figures) await draw(figure);
    const label = (list) => list.selectedOptions[0].textContent;
    said.textContent = `Showing ${label(project)}, ${label(period).toLowerCase()}.`;
    document.documentElement.dataset.shows = key(chosen);
  };

  // An address may name a choice; anything else in it is ignored.
  const named = new URLSearchParams(location.hash.slice(1));
  for (const list of [project, period]) {
    const value = named.get(list.id);
    if ([...list.options].some((option) => option.value === value)) list.value = value;
  }

  form.hidden = false;
  form.addEventListener("change", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const details of document.querySelectorAll("details.numbers")) {
    details.addEventListener("toggle", () => details.open && fill(details));
  }
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll(".finding details")) details.open = true;
  });
  for (const table of document.querySelectorAll("[data-table]")) filter(table, choice());
  if (key(choice()) !== key(data.first)) {
    change();
  } else {
    // What is in the page already is drawn by the browser itself when it comes into view: as wide as
    // there is room, and telling what is under the pointer.
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        seen.unobserve(entry.target);
        draw(entry.target);
      }
    }, { rootMargin: "200px" });
    for (const figure of figures) seen.observe(figure);
  }
})();
