(function () {
  var box = document.querySelector(".slide"), knob = box.querySelector(".knob"), field = document.querySelector("[name=height]"), out = document.querySelector(".slide-out");
  var min = Number(box.dataset.min), max = Number(box.dataset.max), dragging = false;
  function set(v) {
    v = Math.max(min, Math.min(max, Math.round(v)));
    field.value = v;
    out.textContent = v;
    knob.style.left = (v - min) / (max - min) * 100 + "%";
    if (knob.hasAttribute("role")) knob.setAttribute("aria-valuenow", v);
  }
  function at(e) { var r = box.getBoundingClientRect(); set(min + (e.clientX - r.left) / r.width * (max - min)); }
  box.addEventListener("pointerdown", function (e) { dragging = true; box.setPointerCapture(e.pointerId); knob.focus(); at(e); e.preventDefault(); });
  box.addEventListener("pointermove", function (e) { if (dragging) at(e); });
  box.addEventListener("pointerup", function () { dragging = false; });
  knob.addEventListener("keydown", function (e) {
    var by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[e.key];
    if (by) { e.preventDefault(); set(Number(field.value) + by); }
  });
  set(Number(field.value));
})();
