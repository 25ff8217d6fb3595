// The left half of a run's page: its screen live, the step that was chosen, or its recording.

import { button, h, show } from './dom.js'
import { liveView } from './live.js'
import { picture, zoom } from './media.js'
import { note } from './router.js'
import { stepView } from './step.js'
import { videoView } from './video.js'

const MODES = [['live', 'Live'], ['last', 'Screen'], ['step', 'Step'], ['video', 'Video']]

// The newest picture that a step left: what is shown where nothing is live.
function lastShot(state) {
  const path = state.steps.findLast((s) => s.after_url)?.after_url
  const words = 'The screen as the last step left it'
  return path ? h('figure', {}, h('button', { type: 'button', class: 'shot', 'aria-label': `${words}, larger`, click: () => zoom(path, words) }, picture(path, words)), h('figcaption', { class: 'quiet' }, words))
    : h('p', { class: 'empty' }, 'There is no picture of this run yet.')
}

export function screenView(runId, store, { mayOperate, first }) {
  const body = h('div', { class: 'screen-body' })
  const tabs = h('div', { class: 'filters', role: 'group', 'aria-label': 'What is shown' })
  let mode = first
  let part = null // what is mounted: {key, stop}
  let noLive = false

  const wantsVideo = (s) => Boolean(s.result?.video) || (s.result && s.status?.payload?.record_video)

  function pick(state) {
    if (mode === 'step' && state.steps[state.chosen]) return 'step'
    if (mode === 'video' && wantsVideo(state)) return 'video'
    if (!state.status.terminal) return 'live'
    return mode !== 'last' && wantsVideo(state) ? 'video' : 'last'
  }

  function mount(key, make) {
    if (part?.key === key) return
    part?.stop?.()
    const made = make()
    part = { key, stop: made.stop }
    show(body, made.node ?? made)
  }

  function draw(state) {
    if (!state.status) return
    const now = pick(state)
    const there = { live: !state.status.terminal, last: state.status.terminal, step: state.steps.length > 0, video: wantsVideo(state) }
    show(tabs, MODES.filter(([m]) => there[m]).map(([m, words]) => button(words, () => turn(m), { 'aria-pressed': String(m === now), 'data-key': m })))
    if (now === 'step') mount(`step ${state.chosen} ${state.told[state.chosen]?.events.length ?? 0}`, () => stepView(state.steps[state.chosen], state.chosen + 1, state.told[state.chosen]))
    else if (now === 'video') mount('video', () => videoView(runId, state.result))
    else if (now === 'live' && !noLive) mount('live', () => liveView(runId, { mayOperate, onLost: () => { noLive = true; part = null; draw(store.state) } }))
    else mount(`last ${state.steps.findLast((s) => s.after_url)?.after_url}`, () => lastShot(state))
  }

  function turn(to) {
    mode = to
    if (to === 'step' && !store.state.steps[store.state.chosen]) store.set({ chosen: store.state.steps.length - 1 })
    note({ view: to })
    draw(store.state)
  }

  const stop = store.on(['status', 'steps', 'told', 'chosen', 'result'], draw)
  return { node: h('section', { class: 'card screen', 'aria-label': 'Screen' }, tabs, body), turn, stop: () => { stop(); part?.stop?.() } }
}
