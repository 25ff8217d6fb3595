"use strict";
var $ = function (selector, root) { return (root || document).querySelector(selector); };
var $$ = function (selector, root) { return Array.from((root || document).querySelectorAll(selector)); };

var toastTimer;
function say(text) {
  $("#toast").textContent = text;
  $("#toast").className = "toast on";
  clearTimeout(toastTimer);
  toastTimer = setTimeout(function () { $("#toast").className = "toast"; $("#toast").textContent = ""; }, 4000);
}

/* --- suggestions: only the answer to what was typed last counts ------------------------------ */

var box = $("[data-suggests] input"), list = $("#suggestions"), asked = 0;
function closeList() {
  list.hidden = true;
  if (box.hasAttribute("role")) box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
}
function showList(found) {
  list.replaceChildren.apply(list, found.map(function (item, i) {
    var li = document.createElement("li");
    li.textContent = item.name;
    li.id = "suggestion-" + i;
    li.dataset.href = item.href;
    if (list.hasAttribute("role")) li.setAttribute("role", "option");
    return li;
  }));
  if (!found.length) { closeList(); return; }
  list.hidden = false;
  if (box.hasAttribute("role")) box.setAttribute("aria-expanded", "true");
}
box.addEventListener("input", function () {
  var turn = ++asked;
  if (box.value.trim().length < 2) { closeList(); return; }
  fetch("/api/suggest?q=" + encodeURIComponent(box.value)).then(function (r) { return r.json(); }).then(function (found) {
    if (turn === asked) showList(found);
  });
});
box.addEventListener("keydown", function (e) {
  if (list.hidden) return;
  var items = $$("li", list), at = items.findIndex(function (li) { return li.getAttribute("aria-selected") === "true"; });
  if (e.key === "Escape") closeList();
  if (e.key === "Enter" && at >= 0) { e.preventDefault(); location.href = items[at].dataset.href; }
  if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
  e.preventDefault();
  if (at >= 0) items[at].removeAttribute("aria-selected");
  var next = items[(at + (e.key === "ArrowDown" ? 1 : -1) + items.length) % items.length];
  next.setAttribute("aria-selected", "true");
  box.setAttribute("aria-activedescendant", next.id);
});
document.addEventListener("click", function (e) { if (!e.target.closest("[data-suggests]")) closeList(); });

/* --- clicks ------------------------------------------------------------------------------------ */

document.addEventListener("click", function (e) {
  var at = e.target.closest("[data-step], [data-variant], [data-submits], [data-href]");
  if (!at) return;
  if (at.dataset.step) {
    var qty = $("input", at.parentNode), n = (parseInt(qty.value, 10) || 0) + Number(at.dataset.step);
    qty.value = Math.min(10, Math.max(1, n));
  }
  else if (at.dataset.variant) {
    if (at.classList.contains("off")) return;
    $$(".swatch").forEach(function (s) { s.classList.toggle("on", s === at); });
    $("#buy [name=variant]").value = at.dataset.variant;
  }
  else if ("submits" in at.dataset) at.closest("form").requestSubmit();
  else location.href = at.dataset.href;
});

/* --- forms ------------------------------------------------------------------------------------- */

function addToCart(form) {
  var fields = new URLSearchParams(new FormData(form)), problem = $("#buy-problem");
  fields.set("product", form.dataset.product);
  fetch("/api/cart", { method: "POST", body: fields }).then(function (r) { return r.json(); }).then(function (answer) {
    problem.hidden = answer.ok;
    problem.textContent = answer.detail || "";
    if (!answer.ok) return;
    $("#cart-count").textContent = answer.count;
    var cart = $(".cart[aria-label]");
    if (cart) cart.setAttribute("aria-label", "Cart, " + answer.count + " items");
    say(answer.toast);
  });
}
document.addEventListener("submit", function (e) {
  var form = e.target;
  if (form.id === "buy") { e.preventDefault(); addToCart(form); }
  if (form.method === "get")
    $$("input, select", form).forEach(function (field) {
      if (field.name && !field.value) { field.disabled = true; setTimeout(function () { field.disabled = false; }); }
    });
});
document.addEventListener("change", function (e) {
  if (e.target.matches("#facets input[type=checkbox]")) e.target.form.requestSubmit();
  if (e.target.id === "sort") {
    $("#facets [name=sort]").value = e.target.value;
    $("#facets").requestSubmit();
  }
});

/* The card number in groups of four, as it is printed on cards. */
var card = $("[data-groups]");
if (card) card.addEventListener("input", function () {
  card.value = card.value.replace(/\D/g, "").slice(0, 16).replace(/(.{4})(?=.)/g, "$1 ");
});
