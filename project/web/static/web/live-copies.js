// Rows of machines that are on their way follow the server's events between two refreshes of their table.
"use strict";
(() => {
  const MOST = 4; // a browser opens six connections to one server
  const size = (bytes) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (bytes >= 1024 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
    return `${bytes < 10 && unit ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
  };
  const streams = new Map();
  const show = (address, told) => {
    const row = document.querySelector(`[data-events="${CSS.escape(address)}"]`);
    if (!row) return;
    const share = told.bytes_total ? Math.floor((told.bytes_copied * 100) / told.bytes_total) : 0;
    row.querySelector("progress").value = share;
    const left = told.eta_s === null ? "" : `, ${Math.ceil(told.eta_s / 60)} min left`;
    const rate = told.rate_per_s === null ? "" : `, ${size(told.rate_per_s)}/s${left}`;
    row.querySelector("[data-live]").textContent =
      `${share} % ${size(told.bytes_copied)} of ${size(told.bytes_total)}, ${size(told.bytes_zero)} zero${rate}`;
  };
  const follow = () => {
    const wanted = [...document.querySelectorAll("[data-events]")].slice(0, MOST).map((row) => row.dataset.events);
    for (const [address, stream] of streams) {
      if (!wanted.includes(address)) { stream.close(); streams.delete(address); }
    }
    for (const address of wanted) {
      if (streams.has(address)) continue;
      const stream = new EventSource(address);
      stream.addEventListener("progress", (event) => show(address, JSON.parse(event.data)));
      stream.addEventListener("error", () => { stream.close(); streams.delete(address); });
      streams.set(address, stream);
    }
  };
  document.addEventListener("DOMContentLoaded", follow);
  document.addEventListener("htmx:afterSwap", follow);
})();
