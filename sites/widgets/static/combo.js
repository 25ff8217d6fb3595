(function () {
  var box = document.querySelector(".combo"), input = box.querySelector(".combo-input"), menu = box.querySelector(".combo-menu"), value = box.querySelector(".combo-value");
  var field = box.querySelector("[type=hidden]"), all = [].slice.call(menu.children);
  function seen() { return all.filter(function (o) { return !o.hidden; }); }
  function mark(o) { all.forEach(function (x) { x.classList.toggle("on", x === o); }); }
  function filter() {
    var q = input.value.toLowerCase();
    all.forEach(function (o) { o.hidden = o.textContent.toLowerCase().indexOf(q) < 0; });
    mark(seen()[0]);
  }
  function open(yes) { menu.hidden = !yes; input.setAttribute("aria-expanded", yes); if (yes) filter(); }
  function choose(o) {
    value.textContent = o.textContent;
    field.value = o.dataset.v;
    input.value = "";
    input.placeholder = "";
    open(false);
  }
  box.addEventListener("mousedown", function (e) {
    var o = all.indexOf(e.target) >= 0 ? e.target : null;
    if (o) { e.preventDefault(); choose(o); } else if (e.target !== input) { e.preventDefault(); input.focus(); open(true); }
  });
  input.addEventListener("focus", function () { open(true); });
  input.addEventListener("blur", function () { input.value = ""; open(false); });
  input.addEventListener("input", function () { open(true); });
  input.addEventListener("keydown", function (e) {
    var s = seen(), at = s.indexOf(menu.querySelector(".on"));
    if (e.key === "ArrowDown") { e.preventDefault(); mark(s[Math.min(s.length - 1, at + 1)]); }
    else if (e.key === "ArrowUp") { e.preventDefault(); mark(s[Math.max(0, at - 1)]); }
    else if (e.key === "Enter") { e.preventDefault(); if (!menu.hidden && s[at]) choose(s[at]); }
  });
})();
