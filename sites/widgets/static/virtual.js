(function () {
  var box = document.querySelector(".vlist"), pad = box.querySelector(".vpad"), first = Number(box.dataset.first), count = Number(box.dataset.count), high = 40;
  var names = ["Gale & Sons", "Slate Supply", "Northern Paper", "Brume Printing", "Hollis Cleaning"], rows = {};
  pad.style.height = count * high + "px";
  function row(i) {
    var n = first + i, d = document.createElement("div");
    d.className = "vrow";
    d.style.top = i * high + "px";
    d.innerHTML = "<span>Invoice " + n + "</span><span></span><span>" + (n * 37 % 900 + 20) + ".00</span><a>Approve</a>";
    d.children[1].textContent = names[n % names.length];
    d.querySelector("a").onclick = function () { document.forms[0].invoice.value = n; document.forms[0].submit(); };
    return d;
  }
  function draw() {
    var top = Math.max(0, Math.floor(box.scrollTop / high) - 2), bottom = Math.min(count, top + Math.ceil(box.clientHeight / high) + 4);
    Object.keys(rows).forEach(function (k) { if (k < top || k >= bottom) { rows[k].remove(); delete rows[k]; } });
    for (var i = top; i < bottom; i++) if (!rows[i]) box.appendChild(rows[i] = row(i));
  }
  box.addEventListener("scroll", draw);
  draw();
})();
