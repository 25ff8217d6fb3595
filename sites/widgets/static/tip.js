document.querySelectorAll(".icn").forEach(function (b) {
  var tip, timer;
  b.addEventListener("mouseenter", function () {
    timer = setTimeout(function () {
      var r = b.getBoundingClientRect();
      tip = document.createElement("div");
      tip.className = "tip";
      tip.textContent = b.dataset.tip;
      tip.style.left = r.left + "px";
      tip.style.top = r.bottom + 6 + "px";
      document.body.appendChild(tip);
    }, 350);
  });
  b.addEventListener("mouseleave", function () { clearTimeout(timer); if (tip) tip.remove(); tip = null; });
  b.addEventListener("click", function () { document.forms[0].elements.action.value = b.dataset.v; HTMLFormElement.prototype.submit.call(document.forms[0]); });
});
