(function () {
  var list = document.getElementById("list"), end = document.getElementById("end"), from = 0, busy = false, over = false, failed = false;
  function more() {
    if (busy || over || failed) return;
    busy = true;
    fetch("/f/api/permits?from=" + from).then(function (r) { if (!r.ok) throw r; return r.json(); }).then(function (part) {
      busy = false;
      over = !part.length;
      from += part.length;
      part.forEach(function (n) {
        var d = document.createElement("div");
        d.className = "item";
        d.innerHTML = "<span>Permit " + n + "</span><button type=button class=light>Renew</button>";
        d.lastChild.onclick = function () { document.forms[0].permit.value = n; document.forms[0].submit(); };
        list.appendChild(d);
      });
      end.textContent = over ? "No more permits." : "Loading…";
      if (!over && end.getBoundingClientRect().top < innerHeight) more();
    }).catch(function () {
      busy = false;
      failed = true;
      end.innerHTML = "Could not load more. <button type=button class=light>Try again</button>";
      end.lastChild.onclick = function () { failed = false; end.textContent = "Loading…"; more(); };
    });
  }
  new IntersectionObserver(function (s) { if (s[0].isIntersecting) more(); }).observe(end);
})();
