// One run in the store: its status, what was done so far, and its events as they come.

import { get, runPath } from './api.js'
import { follow } from './stream.js'

const EVENTS_KEPT = 3000
const SOON_MS = 250

export const EMPTY = {
  status: null, steps: [], plan: [], rows: 0, cost: 0, events: [], told: [], current: null, stream: '', result: null, missing: '',
}

// Calls fn soon, once for many calls; while it works, once more behind it.
function gather(fn) {
  let timer = 0
  let busy = false
  let again = false
  const go = async () => {
    timer = 0
    busy = true
    try { await fn() } catch { /* the next event asks again */ }
    busy = false
    if (again) { again = false; ask() }
  }
  const ask = () => {
    if (busy) again = true
    else if (!timer) timer = setTimeout(go, SOON_MS)
  }
  ask.stop = () => clearTimeout(timer)
  return ask
}

// What was told between the starts and ends of steps: told[n] belongs to steps[n].
function sort(told, event) {
  const open = told.length && !told.at(-1).ended ? told.slice(0, -1) : told
  const group = open === told ? { ended: false, events: [] } : told.at(-1)
  if (event.kind === 'step_end') return [...open, { ...group, ended: true }]
  if (event.step_index < 0 || event.kind === 'step_start') return open === told ? told : [...open, group]
  return [...open, { ...group, events: [...group.events, event] }]
}

export function watchRun(runId, store) {
  const stop = new AbortController()
  const { signal } = stop
  const ask = (path) => get(runPath(runId, path), { signal })

  const status = gather(async () => {
    const doc = await ask('/status')
    store.set({ status: doc })
    if (doc.terminal) await finish()
  })

  const steps = gather(async () => {
    for (let more = true; more;) {
      const known = store.state.steps
      const doc = await ask(`/steps?after=${known.length}`)
      // a run that went on from an earlier checkpoint has fewer than were seen
      if (doc.n_steps < known.length) { store.set({ steps: [] }); continue }
      store.set({ steps: doc.steps.length ? [...known, ...doc.steps] : known, plan: doc.plan, rows: doc.rows, cost: doc.cost_usd })
      more = doc.next_after !== null
    }
  })

  async function finish() {
    if (store.state.result) return
    const doc = await ask('/result')
    if (doc.result_ready) store.set({ result: doc.result, status: doc, current: null })
    else setTimeout(() => { if (!signal.aborted) status() }, 1000)
  }

  function take(name, data) {
    if (name === 'phase' || name === 'terminal' || name === 'revoked') {
      status()
      steps()
      return
    }
    const { events, told } = store.state
    store.set({ events: [...events.slice(-EVENTS_KEPT), data], told: sort(told, data) })
    if (data.kind === 'step_start') store.set({ current: data.detail })
    if (data.kind === 'step_end' || data.kind === 'retry') { store.set({ current: null }); steps() }
    if (data.step_index < 0 || ['pause', 'resumed', 'prompt', 'takeover'].includes(data.kind)) status()
  }

  store.set(EMPTY)
  ask('/status').then((doc) => {
    store.set({ status: doc })
    steps()
    if (doc.terminal) finish().catch(() => {})
    return follow(runId, { take, state: (stream) => store.set({ stream }), signal })
  }).catch((error) => { if (!signal.aborted) store.set({ missing: error.message }) })

  return { refresh: () => { status(); steps() }, stop: () => { stop.abort(); status.stop(); steps.stop() } }
}
