(function () {
  var feed = document.querySelector(".feed"), end = document.querySelector(".feed-end"), form = document.forms[0], from = 0, busy = false, over = false;
  function more() {
    if (busy || over) return;
    busy = true;
    fetch("/w/api/parcels?from=" + from).then(function (r) { return r.json(); }).then(function (list) {
      busy = false;
      over = !list.length;
      from += list.length;
      list.forEach(function (p) {
        var d = document.createElement("div");
        d.className = "item";
        d.innerHTML = "<b>Parcel " + p.number + "</b><span>for " + p.name + ", shelf " + p.shelf + "</span><button type=button class='btn light'>Collect</button>";
        d.querySelector("button").onclick = function () { form.elements[feed.dataset.field].value = p.number; form.submit(); };
        feed.appendChild(d);
      });
      end.textContent = over ? "That is all." : "Loading…";
      if (!over && end.getBoundingClientRect().top < innerHeight) more();
    });
  }
  new IntersectionObserver(function (seen) { if (seen[0].isIntersecting) more(); }).observe(end);
})();
