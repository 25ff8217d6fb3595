(function () {
  var tools = document.getElementById("tools"), id = tools.dataset.id, menu = document.querySelector(".lab-menu");
  var said = { archive: "Archived", trash: "Moved to trash", inbox: "Moved to inbox" };
  function call(verb, arg) { return window.post("/api/threads/" + id + "/" + verb, { arg: arg || "" }); }
  tools.addEventListener("click", function (e) {
    var b = e.target.closest("button[data-verb]");
    if (!b) return;
    call(b.dataset.verb, b.dataset.arg).then(function () {
      sessionStorage.toast = said[b.dataset.arg] || "Marked as unread";
      location.href = "/mail/inbox";
    });
  });
  document.getElementById("labels").onclick = function () { menu.hidden = !menu.hidden; };
  menu.addEventListener("change", function (e) { call("label", e.target.dataset.arg).then(function () { location.reload(); }); });
  document.querySelector(".star").onclick = function () { this.classList.toggle("on"); call("star", this.classList.contains("on") ? "on" : "off"); };
  document.querySelectorAll(".mail-head").forEach(function (h) { h.onclick = function () { h.parentNode.classList.toggle("folded"); }; });
  document.getElementById("reply").onclick = function () { window.compose(0, id); };
})();
