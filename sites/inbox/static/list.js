(function () {
  var box = document.getElementById("rows"), end = document.getElementById("end"), d = box.dataset, from = 0, busy = false, over = false;
  function row(r) {
    var e = document.createElement(d.plain || r.letter ? "div" : "a");
    e.className = "row" + (r.unread ? " unread" : "");
    if (e.tagName === "A") e.href = "/mail/t/" + r.id;
    else e.onclick = function () { if (r.draft) window.compose(r.letter); else if (!r.letter) location.href = "/mail/t/" + r.id; };
    e.innerHTML = "<input type=checkbox><span class='star" + (r.star ? " on" : "") + "' role=button title=Star>★</span><span class=from></span><span class=mid></span><time></time>";
    e.children[2].textContent = r.from + (r.count > 1 ? " (" + r.count + ")" : "");
    r.labels.forEach(function (l) { var t = document.createElement("span"); t.className = "tag " + l; t.textContent = l; e.children[3].appendChild(t); });
    e.children[3].append(r.subject + " ");
    e.children[3].appendChild(document.createElement("small")).textContent = (r.file ? "📎 " : "") + "– " + r.snippet;
    e.children[4].textContent = r.date;
    e.children[0].onclick = function (ev) { ev.stopPropagation(); };
    e.children[1].onclick = function (ev) {
      ev.stopPropagation();
      ev.preventDefault();
      if (r.letter) return;
      r.star = !r.star;
      e.children[1].classList.toggle("on", r.star);
      window.post("/api/threads/" + r.id + "/star", { arg: r.star ? "on" : "off" });
    };
    return e;
  }
  function more() {
    if (busy || over) return;
    busy = true;
    fetch("/api/list?folder=" + d.folder + "&label=" + encodeURIComponent(d.label) + "&q=" + encodeURIComponent(d.q) + "&from=" + from).then(function (r) { return r.json(); }).then(function (a) {
      busy = false;
      over = !a.more;
      from += a.rows.length;
      a.rows.forEach(function (r) { box.appendChild(row(r)); });
      end.textContent = over ? (from ? "" : "Nothing here.") : "Loading…";
      if (!over && end.getBoundingClientRect().top < innerHeight) more();
    });
  }
  new IntersectionObserver(function (s) { if (s[0].isIntersecting) more(); }).observe(end);
})();
