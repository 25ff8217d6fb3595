// Asks for the token. It is held in memory: this page keeps it nowhere.

import { h } from './dom.js'

export function signInPage(enter, message) {
  const problem = h('p', { class: 'problem', role: 'alert' }, message)
  const input = h('input', { id: 'token', type: 'password', required: true, autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'token-hint' })
  const submit = h('button', { type: 'submit', class: 'main' }, 'Sign in')
  const send = async (event) => {
    event.preventDefault()
    submit.disabled = true
    problem.textContent = ''
    try {
      await enter(input.value.trim())
    } catch (error) {
      problem.textContent = error.status === 401 ? 'This token is not known here.' : error.message
      input.select()
    } finally {
      submit.disabled = false
    }
  }
  return h('main', { id: 'content', class: 'signin', tabindex: '-1' },
    h('form', { class: 'card', submit: send },
      h('p', { class: 'brand' }, h('img', { src: 'console/icon.svg', alt: '', width: 28, height: 28 }), 'Mantis'),
      h('h1', {}, 'Sign in'),
      h('label', { for: 'token' }, 'Tenant token'), input,
      h('p', { class: 'hint', id: 'token-hint' }, 'Kept in this page’s memory only. A reload asks again.'),
      problem, submit))
}
