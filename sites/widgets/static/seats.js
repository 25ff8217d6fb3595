(function () {
  var c = document.querySelector("canvas"), g = c.getContext("2d"), shift = Number(c.dataset.shift) - 60, picked = "";
  var seats = [];
  ["A", "B", "C", "D"].forEach(function (r, y) { for (var x = 0; x < 6; x++) seats.push({ name: r + (x + 1), x: 50 + shift + x * 84, y: 26 + y * 64 }); });
  var go = { x: 230 + shift, y: 300, w: 190, h: 42 };
  function draw() {
    g.clearRect(0, 0, c.width, c.height);
    g.font = "16px sans-serif";
    g.textAlign = "center";
    seats.forEach(function (s) {
      g.fillStyle = s.name === picked ? "#2f6f4f" : "#dfe5e2";
      g.fillRect(s.x, s.y, 60, 44);
      g.fillStyle = s.name === picked ? "#fff" : "#22262b";
      g.fillText(s.name, s.x + 30, s.y + 28);
    });
    g.fillStyle = picked ? "#2f8f4f" : "#b9c6bf";
    g.fillRect(go.x, go.y, go.w, go.h);
    g.fillStyle = "#fff";
    g.fillText("Take this seat", go.x + go.w / 2, go.y + 27);
  }
  c.addEventListener("click", function (e) {
    var r = c.getBoundingClientRect(), x = (e.clientX - r.left) * c.width / r.width, y = (e.clientY - r.top) * c.height / r.height;
    seats.forEach(function (s) { if (x >= s.x && x < s.x + 60 && y >= s.y && y < s.y + 44) picked = s.name; });
    if (picked && x >= go.x && x < go.x + go.w && y >= go.y && y < go.y + go.h) {
      document.forms[0].seat.value = picked;
      document.forms[0].submit();
    }
    draw();
  });
  draw();
})();
