// What is told beside the page: to screen readers, and as messages that go away.

import { button, h } from './dom.js'

const LIFE_MS = 6000

export function say(text) {
  document.querySelector('#say').textContent = text
}

export function toast(text, tone = 'good') {
  const box = document.querySelector('#toasts')
  const node = h('div', { class: `toast ${tone}`, role: tone === 'bad' ? 'alert' : 'status' }, h('span', { dir: 'auto' }, text),
    button('×', () => node.remove(), { 'aria-label': 'Dismiss', class: 'bare' }))
  box.append(node)
  while (box.children.length > 4) box.firstElementChild.remove()
  if (tone !== 'bad') setTimeout(() => node.remove(), LIFE_MS)
}

// Does what fn says; a refusal becomes a message. What fn returned, or null.
export async function attempt(fn) {
  try {
    return await fn()
  } catch (error) {
    if (error.name !== 'AbortError') toast(error.message, 'bad')
    return null
  }
}

// A question with a way out. Resolves to what the form holds, or null.
export function ask({ title, text, fields = [], yes, tone }) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { class: 'ask', 'aria-labelledby': 'ask-title', close: () => { dialog.remove(); resolve(dialog.answer ?? null) } },
      h('form', {
        submit: (event) => {
          event.preventDefault()
          dialog.answer = Object.fromEntries(new FormData(event.target))
          dialog.close()
        },
      }, h('h2', { id: 'ask-title' }, title), text ? h('p', { dir: 'auto' }, text) : null, fields,
      h('div', { class: 'buttons' }, button('Back', () => dialog.close()), h('button', { type: 'submit', class: tone ?? 'main' }, yes))))
    document.body.append(dialog)
    dialog.showModal()
    dialog.querySelector('input,textarea,button[type=submit]')?.focus()
  })
}
