(function () {
  var field = document.querySelector("[name=city]"), id = document.querySelector("[name=city_id]"), list = document.querySelector(".pop"), timer, asked = 0;
  field.addEventListener("input", function () {
    id.value = "";
    clearTimeout(timer);
    if (field.value.length < 2) { list.hidden = true; return; }
    timer = setTimeout(function () {
      var mine = ++asked;
      fetch("/w/api/cities?q=" + encodeURIComponent(field.value)).then(function (r) { return r.json(); }).then(function (cities) {
        if (mine !== asked) return;
        list.innerHTML = "";
        cities.forEach(function (c) {
          var li = document.createElement("li");
          li.textContent = c.name;
          li.onmousedown = function (e) { e.preventDefault(); field.value = c.name; id.value = c.id; list.hidden = true; };
          list.appendChild(li);
        });
        list.hidden = !cities.length;
      });
    }, 200);
  });
  field.addEventListener("blur", function () { list.hidden = true; asked++; if (!id.value) field.value = ""; });
})();
