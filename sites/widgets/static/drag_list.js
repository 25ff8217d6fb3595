(function () {
  var list = document.querySelector(".dl"), moved;
  function note() { document.forms[0].order.value = [].map.call(list.children, function (l) { return l.dataset.v; }).join(","); }
  list.addEventListener("dragstart", function (e) { moved = e.target.closest("li"); moved.classList.add("drag"); e.dataTransfer.effectAllowed = "move"; e.dataTransfer.setData("text/plain", moved.dataset.v); });
  list.addEventListener("dragend", function () { if (moved) moved.classList.remove("drag"); moved = null; note(); });
  list.addEventListener("dragover", function (e) {
    var over = e.target.closest("li");
    e.preventDefault();
    if (!moved || !over || over === moved) return;
    var r = over.getBoundingClientRect();
    list.insertBefore(moved, e.clientY < r.top + r.height / 2 ? over : over.nextSibling);
  });
  list.addEventListener("drop", function (e) { e.preventDefault(); });
  note();
})();
