customElements.define("badge-form", class extends HTMLElement {
  connectedCallback() {
    const d = this.dataset, root = this.attachShadow({ mode: d.mode });
    root.innerHTML = `<style>label{display:block;font-weight:600;margin-bottom:4px}input{font:inherit;padding:7px 10px;width:320px}button{font:inherit;font-weight:600;margin-top:16px;padding:8px 18px;background:#2f6f4f;color:#fff;border:0;border-radius:5px;cursor:pointer}</style>
      <label for="f">${d.label}</label><input id="f"><div><button type="button">${d.send}</button></div>`;
    root.querySelector("button").onclick = () => {
      const form = document.createElement("form"), field = document.createElement("input");
      form.method = "post";
      form.action = d.post;
      field.type = "hidden";
      field.name = d.field;
      field.value = root.getElementById("f").value;
      form.append(field);
      document.body.append(form);
      form.submit();
    };
  }
});
