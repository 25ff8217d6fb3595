"use strict";
var $ = function (selector, root) { return (root || document).querySelector(selector); };
var $$ = function (selector, root) { return Array.from((root || document).querySelectorAll(selector)); };

/* --- toasts ------------------------------------------------------------------------------- */

var toastTimer;
function say(text, bad) {
  var toast = $("#toast");
  toast.textContent = text;
  toast.className = "toast on" + (bad ? " bad" : "");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(function () { toast.className = "toast"; toast.textContent = ""; }, 5000);
}

/* --- asking the server -------------------------------------------------------------------- */

function send(path, fields) {
  return fetch(path, { method: "POST", body: new URLSearchParams(fields) }).then(function (r) {
    if (r.status === 401) {
      location.href = "/login?ended=1&next=" + encodeURIComponent(location.pathname);
      return new Promise(function () {});
    }
    return r.json();
  }).then(function (answer) {
    if (answer.detail) say(answer.detail, true);
    if (answer.go) location.href = answer.go;
    else if (answer.toast) say(answer.toast);
    return answer;
  }).catch(function () {
    say("Something went wrong. Try again.", true);
    return { ok: false };
  });
}

function showErrors(form, errors) {
  $$("[data-error]", form).forEach(function (p) {
    var name = p.dataset.error, field = form.elements[name];
    p.textContent = errors[name] || "";
    p.hidden = !errors[name];
    if (field) field.setAttribute("aria-invalid", errors[name] ? "true" : "false");
  });
}

/* --- dialogs ------------------------------------------------------------------------------ */

var opener;
function open(veil, from) {
  opener = from;
  veil.hidden = false;
  $("button", veil).focus();
}
function close(veil) {
  veil.hidden = true;
  if (opener) opener.focus();
}
document.addEventListener("keydown", function (e) {
  var veil = $(".veil:not([hidden])");
  if (!veil) return;
  if (e.key === "Escape") close(veil);
  if (e.key !== "Tab") return;
  var buttons = $$("button", veil), i = buttons.indexOf(document.activeElement) + (e.shiftKey ? -1 : 1);
  buttons[(i + buttons.length) % buttons.length].focus();
  e.preventDefault();
});

/* --- the table ---------------------------------------------------------------------------- */

function chosen() {
  return $$("input[name=row]:checked");
}
function countChosen() {
  if (!$("#bulk")) return;
  $("#bulk").hidden = chosen().length === 0;
  $("#chosen").textContent = chosen().length;
}
function bulk(action) {
  var boxes = chosen(), status = $("#bulk-status").value;
  var ids = boxes.map(function (b) { return b.value; }).join(",");
  send("/api/customers/bulk", { ids: ids, action: action, status: status }).then(function (answer) {
    if (!answer.ok) return;
    boxes.forEach(function (box) {
      var row = box.closest("tr");
      if (action === "delete") { row.remove(); return; }
      var badge = $(".badge", row);
      badge.textContent = badge.dataset.status = status;
      box.checked = false;
    });
    if ($("#all")) $("#all").checked = false;
    countChosen();
  });
}
document.addEventListener("change", function (e) {
  if (e.target.id === "all")
    $$("input[name=row]").forEach(function (box) { box.checked = e.target.checked; });
  if (e.target.matches("#all, input[name=row]")) countChosen();
});

/* --- clicks ------------------------------------------------------------------------------- */

function act(button) {
  if (button.dataset.confirm && !window.confirm(button.dataset.confirm)) return;
  var name = button.dataset.act, id = $("[data-customer]").dataset.customer, veil = button.closest(".veil");
  send("/api/customers/" + id + "/" + name, {}).then(function (answer) {
    if (veil) close(veil);
    if (!answer.ok) return;
    if ("reload" in button.dataset) location.reload();
    if (name === "archive") {
      var badge = document.createElement("span");
      badge.className = "badge grey";
      badge.textContent = "Archived";
      $(".title-row .muted").append(" ", badge);
      $$("[data-opens=archive-modal]").forEach(function (b) { b.remove(); });
    }
  });
}

document.addEventListener("click", function (e) {
  var at = e.target.closest("[data-opens], [data-closes], [data-act], [data-bulk], [data-submits], [data-peek], [aria-controls], [data-href]");
  if (!at || (at.matches("tr") && e.target.closest("input, .tick"))) return;
  if (at.dataset.opens) open(document.getElementById(at.dataset.opens), at);
  else if ("closes" in at.dataset) close(at.closest(".veil"));
  else if (at.dataset.act) act(at);
  else if (at.dataset.bulk) {
    if (at.closest(".veil")) close(at.closest(".veil"));
    bulk(at.dataset.bulk);
  }
  else if ("submits" in at.dataset) at.closest("form").requestSubmit();
  else if ("peek" in at.dataset) {
    var field = $("input", at.parentNode);
    field.type = field.type === "password" ? "text" : "password";
  }
  else if (at.getAttribute("aria-controls")) show(at);
  else location.href = at.dataset.href;
});

/* --- tabs --------------------------------------------------------------------------------- */

function show(tab) {
  $$(".tabs > *").forEach(function (t) {
    var on = t === tab;
    t.classList.toggle("on", on);
    if (t.hasAttribute("role")) { t.setAttribute("aria-selected", on); t.tabIndex = on ? 0 : -1; }
    document.getElementById(t.getAttribute("aria-controls")).hidden = !on;
  });
}
document.addEventListener("keydown", function (e) {
  if (!e.target.matches("[role=tab]") || !/^Arrow(Left|Right)$/.test(e.key)) return;
  var tabs = $$("[role=tab]"), i = tabs.indexOf(e.target) + (e.key === "ArrowRight" ? 1 : -1);
  var next = tabs[(i + tabs.length) % tabs.length];
  next.focus();
  show(next);
});

/* --- forms -------------------------------------------------------------------------------- */

document.addEventListener("submit", function (e) {
  var form = e.target;
  if (form.dataset.saves) {
    e.preventDefault();
    send(form.dataset.saves, new FormData(form)).then(function (answer) {
      showErrors(form, answer.errors || {});
      $("#sheet-problem").hidden = !answer.errors;
      var first = $("[aria-invalid=true]", form);
      if (first) first.focus();
    });
  }
  if (form.id === "composer") {
    e.preventDefault();
    send("/api/customers/" + $("[data-customer]").dataset.customer + "/notes", new FormData(form)).then(function (answer) {
      showErrors(form, answer.errors || {});
      if (answer.note) addNote(form, answer.note);
    });
  }
  if (form.method === "get")
    $$("input, select", form).forEach(function (field) {
      if (field.name && !field.value) { field.disabled = true; setTimeout(function () { field.disabled = false; }); }
    });
});

function addNote(form, note) {
  var item = document.createElement("li"), text = document.createElement("p"), by = document.createElement("p");
  text.textContent = note.text;
  by.textContent = note.by + ", " + note.on;
  by.className = "muted small";
  item.append(text, by);
  $("#note-list").append(item);
  $("[data-count]").textContent = $$("#note-list li").length;
  form.reset();
}

/* Six boxes for six digits: each goes on to the next, and a pasted code fills them all. */
var digits = $$("[data-digits] input");
digits.forEach(function (box, i) {
  box.addEventListener("input", function () { if (box.value && digits[i + 1]) digits[i + 1].focus(); });
  box.addEventListener("keydown", function (e) { if (e.key === "Backspace" && !box.value && i) digits[i - 1].focus(); });
  box.addEventListener("paste", function (e) {
    var code = e.clipboardData.getData("text").replace(/\D/g, "");
    digits.forEach(function (b, k) { b.value = code[k] || ""; });
    e.preventDefault();
  });
});

/* What the page before did is told once: not again when this one is loaded again. */
if ($("#toast") && $("#toast").dataset.said) {
  say($("#toast").dataset.said);
  history.replaceState(null, "", location.pathname);
}
