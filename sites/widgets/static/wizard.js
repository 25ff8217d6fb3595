(function () {
  var form = document.querySelector(".wiz"), parts = [].slice.call(form.querySelectorAll("section")), marks = form.querySelectorAll(".steps span"), bad = form.querySelector(".bad"), at = 0;
  var names = { name: "Full name", site: "Site", start: "First day", laptop: "Laptop", phone: "Phone" };
  function wrong() {
    var f = form.elements;
    if (at === 0 && !f.name.value.trim()) return "Please give a name.";
    if (at === 1 && (!f.site.value || !f.start.value)) return "Please choose a site and a first day.";
    return "";
  }
  function show() {
    parts.forEach(function (p, i) { p.hidden = i !== at; marks[i].className = i === at ? "now" : ""; });
    form.querySelector("[data-go='-1']").style.visibility = at ? "" : "hidden";
    form.querySelector("[data-go='1']").textContent = at === parts.length - 1 ? "Finish" : "Next";
    if (at < parts.length - 1) return;
    var table = form.querySelector(".review");
    table.innerHTML = "";
    new FormData(form).forEach(function (v, k) {
      var r = table.insertRow();
      r.insertCell().textContent = names[k];
      r.insertCell().textContent = v;
    });
  }
  form.querySelectorAll("[data-go]").forEach(function (b) {
    b.onclick = function () {
      var by = Number(b.dataset.go);
      bad.textContent = by > 0 ? wrong() : "";
      if (bad.textContent) return;
      if (at + by === parts.length) { form.submit(); return; }
      at += by;
      show();
    };
  });
  form.addEventListener("submit", function (e) { e.preventDefault(); });
  show();
})();
