(function () {
  var menu = document.querySelector(".ctx"), file;
  document.querySelector(".files").addEventListener("contextmenu", function (e) {
    var row = e.target.closest(".fl");
    if (!row) return;
    e.preventDefault();
    file = row.dataset.v;
    menu.hidden = false;
    menu.style.left = e.clientX + "px";
    menu.style.top = e.clientY + "px";
  });
  menu.addEventListener("click", function (e) {
    if (e.target.dataset.do !== "archive") { menu.hidden = true; return; }
    document.forms[0].archived.value = file;
    document.forms[0].elements.action.value = e.target.dataset.do;
    document.forms[0].submit();
  });
  document.addEventListener("mousedown", function (e) { if (!menu.contains(e.target)) menu.hidden = true; });
})();
