(function () {
  var board = document.querySelector(".board"), card, dx, dy, gap;
  board.addEventListener("pointerdown", function (e) {
    var c = e.target.closest(".tk");
    if (!c) return;
    var r = c.getBoundingClientRect();
    card = c;
    dx = e.clientX - r.left;
    dy = e.clientY - r.top;
    gap = { x: e.clientX, y: e.clientY };
    e.preventDefault();
  });
  document.addEventListener("pointermove", function (e) {
    if (!card) return;
    if (!card.classList.contains("fly") && Math.abs(e.clientX - gap.x) + Math.abs(e.clientY - gap.y) < 6) return;
    card.classList.add("fly");
    card.style.left = e.clientX - dx + "px";
    card.style.top = e.clientY - dy + "px";
  });
  document.addEventListener("pointerup", function (e) {
    if (!card) return;
    var col = (document.elementFromPoint(e.clientX, e.clientY) || board).closest(".col");
    if (col && card.classList.contains("fly")) col.appendChild(card);
    card.classList.remove("fly");
    card.style.left = card.style.top = "";
    card = null;
    document.forms[0].done.value = [].map.call(board.querySelectorAll("[data-c=done] .tk"), function (t) { return t.dataset.v; }).join(",");
  });
})();
