(function () {
  var toast = document.getElementById("toast"), timer;
  window.post = function (path, fields) {
    return fetch(path, { method: "POST", body: new URLSearchParams(fields) }).then(function (r) { return r.json().then(function (j) { j.ok = r.ok; return j; }); });
  };
  function say(text, ms, name, act) {
    clearTimeout(timer);
    toast.textContent = text;
    if (name) { var a = document.createElement("a"); a.textContent = name; a.onclick = act; toast.appendChild(a); }
    toast.hidden = false;
    timer = setTimeout(function () { toast.hidden = true; }, ms);
  }
  function open(letter) {
    var w = document.getElementById("composer").content.firstElementChild.cloneNode(true), to = letter.to ? letter.to.split(",") : [], at = "/api/letters/" + letter.id, save, gone = false;
    var $ = function (s) { return w.querySelector(s); }, field = $(".to-field"), list = $(".who"), asked = 0;
    function fields() { return { to: to.join(","), subject: $(".subject").value, body: $(".text").innerText }; }
    function later() {
      clearTimeout(save);
      $(".state").textContent = "";
      save = setTimeout(function () { if (!gone) window.post(at, fields()).then(function () { $(".state").textContent = "Draft saved"; }); }, 600);
    }
    function chips() {
      $(".chips").innerHTML = "";
      to.forEach(function (a, i) {
        var c = document.createElement("span"), x = document.createElement("a");
        c.className = "chip" + (/^[^ @]+@[^ @]+\.[^ @]+$/.test(a) ? "" : " red");
        c.textContent = a;
        x.textContent = "×";
        x.onclick = function () { to.splice(i, 1); chips(); later(); };
        c.appendChild(x);
        $(".chips").appendChild(c);
      });
    }
    function add(a) { a = a.trim().replace(/,$/, ""); if (a && to.indexOf(a) < 0) to.push(a); field.value = ""; list.hidden = true; asked++; chips(); later(); }
    function files(l) {
      $(".atts").innerHTML = "";
      l.files.forEach(function (f, i) {
        var d = document.createElement("div"), x = document.createElement("a");
        d.textContent = f.name + " (" + f.size + " bytes) ";
        x.textContent = "×";
        x.onclick = function () { window.post(at + "/detach", { n: i }).then(files); };
        d.appendChild(x);
        $(".atts").appendChild(d);
      });
    }
    function close() { gone = true; clearTimeout(save); w.remove(); }
    function send() {
      if (field.value) add(field.value);
      clearTimeout(save);
      window.post(at + "/send", fields()).then(function (r) {
        if (!r.ok) { $(".wrong").textContent = r.detail; return; }
        close();
        say("Message sent", r.undo_ms - 1000, "Undo", function () {
          window.post(at + "/undo", {}).then(function (l) { if (l.ok) { say("Sending undone", 3000); open(l); } else say(l.detail, 3000); });
        });
      });
    }
    field.addEventListener("input", function () {
      var mine = ++asked;
      if (/,$/.test(field.value)) { add(field.value); return; }
      if (field.value.length < 2) { list.hidden = true; return; }
      fetch("/api/contacts?q=" + encodeURIComponent(field.value)).then(function (r) { return r.json(); }).then(function (people) {
        if (mine !== asked) return;
        list.innerHTML = "";
        people.forEach(function (p, i) {
          var li = document.createElement("li");
          li.textContent = p.name;
          li.className = i ? "" : "on";
          li.dataset.a = p.address;
          li.appendChild(document.createElement("small")).textContent = p.address;
          li.onmousedown = function (e) { e.preventDefault(); add(p.address); };
          list.appendChild(li);
        });
        list.hidden = !people.length;
      });
    });
    field.addEventListener("keydown", function (e) {
      var on = list.hidden ? null : list.querySelector(".on");
      if (e.key === "Enter" || (e.key === "Tab" && field.value)) { e.preventDefault(); add(on ? on.dataset.a : field.value); }
      else if (e.key === "Backspace" && !field.value && to.length) { to.pop(); chips(); later(); }
      else if (on && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
        var next = e.key === "ArrowDown" ? on.nextElementSibling : on.previousElementSibling;
        e.preventDefault();
        if (next) { on.className = ""; next.className = "on"; }
      }
    });
    field.addEventListener("blur", function () { if (field.value) add(field.value); });
    $(".subject").value = letter.subject;
    $(".text").innerText = letter.body;
    $(".subject").oninput = $(".text").oninput = later;
    $(".go").onclick = send;
    w.addEventListener("keydown", function (e) { if (e.key === "Enter" && e.ctrlKey) { e.preventDefault(); send(); } });
    $(".min").onclick = function () { window.post(at, fields()); close(); };
    $(".bin").onclick = function () { window.post(at + "/discard", {}); close(); say("Draft discarded", 3000); };
    $("[type=file]").onchange = function () {
      var form = new FormData();
      [].forEach.call(this.files, function (f) { form.append("file", f); });
      $(".state").textContent = "Uploading…";
      fetch(at + "/files", { method: "POST", body: form }).then(function (r) { if (!r.ok) throw r; return r.json(); }).then(function (l) { $(".state").textContent = ""; files(l); }).catch(function () { $(".wrong").textContent = "The file could not be attached."; });
      this.value = "";
    };
    chips();
    files(letter);
    document.getElementById("windows").appendChild(w);
    (letter.reply_to ? $(".text") : field).focus();
  }
  window.compose = function (letter, reply) {
    if (letter) fetch("/api/letters/" + letter).then(function (r) { return r.json(); }).then(open);
    else window.post("/api/letters", { reply_to: reply || 0 }).then(open);
  };
  document.getElementById("write").onclick = function () { window.compose(); };
  if (sessionStorage.toast) { say(sessionStorage.toast, 4000); sessionStorage.removeItem("toast"); }
})();
