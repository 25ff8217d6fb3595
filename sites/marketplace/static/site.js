document.addEventListener("click", function (e) {
  var button = e.target.closest("button");
  if (!button) return;
  if (button.dataset.consent) {
    document.cookie = "consent=" + button.dataset.consent + "; path=/; max-age=31536000; samesite=lax";
    document.getElementById("cookie").remove();
    document.body.classList.remove("with-cookie");
  }
  if (button.dataset.opens) document.getElementById(button.dataset.opens).hidden = false;
  if ("sent" in button.dataset) button.textContent = "Message sent";
  var phone = button.closest("[data-phone]");
  if (phone) {
    button.disabled = true;
    button.textContent = "Loading…";
    fetch(phone.dataset.phone, { method: "POST" }).then(function (r) { return r.json(); }).then(function (answer) {
      var link = document.createElement("a");
      link.href = "tel:" + answer.tel;
      link.className = "number";
      link.textContent = answer.phone;
      phone.replaceChildren(link);
    });
  }
});

document.addEventListener("change", function (e) {
  if (e.target.matches("#filters input[type=checkbox], #filters select, #sorting select")) e.target.form.requestSubmit();
});

// Empty fields do not belong in the address.
document.addEventListener("submit", function (e) {
  if (e.target.method !== "get") return;
  e.target.querySelectorAll("input, select").forEach(function (field) {
    if (field.name && !field.value) { field.disabled = true; setTimeout(function () { field.disabled = false; }); }
  });
});

if (document.getElementById("cookie")) document.body.classList.add("with-cookie");
