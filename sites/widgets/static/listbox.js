(function () {
  var box = document.querySelector(".listbox"), button = box.querySelector(".lb-button"), list = box.querySelector(".lb-list"), typed = "", timer;
  function open(yes) { list.hidden = !yes; button.setAttribute("aria-expanded", yes); }
  function mark(o) {
    list.querySelectorAll(".sel").forEach(function (s) { s.classList.remove("sel"); });
    if (o) { o.classList.add("sel"); o.scrollIntoView({ block: "nearest" }); list.setAttribute("aria-activedescendant", o.id); }
  }
  function choose(o) {
    box.querySelector("input").value = o.dataset.v;
    button.firstElementChild.textContent = o.textContent;
    mark(o);
    open(false);
  }
  button.addEventListener("mousedown", function (e) { e.preventDefault(); button.focus(); open(list.hidden); });
  button.addEventListener("blur", function () { open(false); });
  list.addEventListener("mousedown", function (e) {
    var o = e.target.closest(".lb-opt");
    e.preventDefault();
    if (o) choose(o);
  });
  button.addEventListener("keydown", function (e) {
    var all = [].slice.call(list.children), at = all.indexOf(list.querySelector(".sel"));
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      open(true);
      mark(all[Math.max(0, Math.min(all.length - 1, at + (e.key === "ArrowDown" ? 1 : -1)))]);
    } else if (e.key === "Enter" || e.key === " ") {
      e.preventDefault();
      if (!list.hidden && at >= 0) choose(all[at]); else open(true);
    } else if (e.key === "Escape") open(false);
    else if (e.key.length === 1) {
      clearTimeout(timer);
      typed += e.key.toLowerCase();
      timer = setTimeout(function () { typed = ""; }, 700);
      open(true);
      mark(all.find(function (o) { return o.textContent.toLowerCase().indexOf(typed) === 0; }));
    }
  });
})();
