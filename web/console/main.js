// The console: signs in, and shows the page that the address names.

import { get, signedIn, signIn, signOut } from './api.js'
import { h, show } from './dom.js'
import { setPageKeys, showHelp, startKeys } from './keys.js'
import { forgetLeases } from './live.js'
import { runPage } from './run.js'
import { runsPage } from './runs.js'
import { current, go } from './router.js'
import { say } from './say.js'
import { shell } from './shell.js'
import { signInPage } from './signin.js'
import { startPage } from './start.js'
import { createStore } from './store.js'
import { usagePage } from './usage.js'

const app = document.querySelector('#app')
const store = createStore({ usage: null })
const pages = { runs: runsPage, start: startPage, usage: usagePage }
let shown = null // {place, end}: the page, and how it is left

function leave() {
  shown?.end?.()
  shown = null
  setPageKeys({})
}

function turnTo(place) {
  const page = place.page === 'runs' && place.id ? runPage : pages[place.page]
  if (!page) return go({ page: 'runs' })
  leave()
  const main = app.querySelector('main')
  show(main)
  document.querySelector('#toasts').replaceChildren()
  shown = { place, end: page(main, { place, store, title }) }
  for (const link of app.querySelectorAll('nav a[data-page]'))
    link.dataset.page === place.page ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current')
  main.focus({ preventScroll: true })
  scrollTo(0, 0)
}

function title(words) {
  document.title = `${words} · Mantis`
  say(words)
}

function follow() {
  if (!signedIn()) return
  const place = current()
  if (shown && place.page === shown.place.page && place.id === shown.place.id) return
  turnTo(place)
}

function showSignIn(message) {
  leave()
  signOut()
  forgetLeases()
  document.title = 'Sign in · Mantis'
  show(app, signInPage(enter, message))
  app.querySelector('input').focus()
}

// Throws what the server refused the token with.
async function enter(token) {
  signIn(token)
  try {
    store.set({ usage: await get('/v1/usage') })
    signIn(token, () => showSignIn('The token is not in force any more.'))
  } catch (error) {
    signOut()
    throw error
  }
  show(app, shell(store, () => showSignIn()), h('main', { id: 'content', tabindex: '-1' }))
  turnTo(current())
}

addEventListener('hashchange', follow)
addEventListener('pagehide', () => { leave(); signOut() })
addEventListener('pageshow', (event) => { if (event.persisted) showSignIn() })
startKeys({
  'g r': () => signedIn() && go({ page: 'runs' }),
  'g n': () => signedIn() && go({ page: 'start' }),
  'g u': () => signedIn() && go({ page: 'usage' }),
})
document.addEventListener('click', (event) => { if (event.target.closest('[data-help]')) showHelp() })
showSignIn()
