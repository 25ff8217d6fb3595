(function () {
  var box = document.querySelector(".picker"), shown = box.querySelector(".shown"), field = box.querySelector("[type=hidden]");
  var months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
  var year = 2026, month = 8 - Number(box.dataset.back), name = box.dataset.daysName, cal;
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function draw() {
    var first = new Date(year, month, 1), lead = (first.getDay() + 6) % 7, days = new Date(year, month + 1, 0).getDate();
    var html = '<div class="cal-head"><span data-m="-1">&lsaquo;</span>' + months[month] + " " + year + '<span data-m="1">&rsaquo;</span></div><div class="cal-grid">';
    ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"].forEach(function (d) { html += '<div class="wd">' + d + "</div>"; });
    for (var b = lead; b > 0; b--) html += '<div class="off">' + new Date(year, month, 1 - b).getDate() + "</div>";
    for (var d = 1; d <= days; d++) html += '<div class="' + name + ((lead + d - 1) % 7 > 4 ? " off" : "") + '">' + d + "</div>";
    cal.innerHTML = html + "</div>";
  }
  function pick(day) {
    field.value = year + "-" + two(month + 1) + "-" + two(day);
    shown.value = two(day) + " " + months[month].slice(0, 3) + " " + year;
    cal.remove();
    cal = null;
  }
  shown.addEventListener("click", function () {
    if (cal) return;
    cal = document.createElement("div");
    cal.className = "cal";
    box.appendChild(cal);
    draw();
  });
  box.addEventListener("click", function (e) {
    var t = e.target;
    if (!cal) return;
    if (t.dataset.m) {
      month += Number(t.dataset.m);
      if (month < 0 || month > 11) { year += month < 0 ? -1 : 1; month = (month + 12) % 12; }
      draw();
    } else if (t.classList.contains(name) && !t.classList.contains("off")) pick(Number(t.textContent));
  });
  document.addEventListener("mousedown", function (e) { if (cal && !box.contains(e.target)) { cal.remove(); cal = null; } });
})();
