(function () {
  var field = document.querySelector(".portal-field"), hidden = document.querySelector("[name=" + field.dataset.name + "]"), pop;
  function close() { if (pop) pop.remove(); pop = null; }
  field.addEventListener("click", function (e) {
    e.stopPropagation();
    if (pop) { close(); return; }
    var at = field.getBoundingClientRect();
    pop = document.createElement("div");
    pop.className = "portal";
    pop.style.left = at.left + window.scrollX + "px";
    pop.style.top = at.bottom + window.scrollY + 2 + "px";
    pop.appendChild(document.getElementById("portal-options").content.cloneNode(true));
    pop.addEventListener("click", function (ev) {
      if (!ev.target.dataset.v) return;
      hidden.value = ev.target.dataset.v;
      field.textContent = ev.target.textContent;
    });
    setTimeout(function () { if (pop) document.body.appendChild(pop); }, 120);
  });
  document.addEventListener("click", close);
})();
