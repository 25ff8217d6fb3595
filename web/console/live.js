// The screen of a run as it is now, over its WebSocket: changed regions onto a canvas (docs/live.md).

import { get, runPath } from './api.js'
import { button, h, show } from './dom.js'
import { plain } from './format.js'
import { operate } from './live_input.js'
import { ask, attempt, say, toast } from './say.js'

const RETRY_MS = [300, 1000, 2000, 5000]
const RENEW_MS = 20000
const HEADER = 16
const REGION = 12

// What the controls of each run are ours by: whoever looks at a step meanwhile finds them as they were.
const leases = new Map()
export const forgetLeases = () => leases.clear()

// The regions of one message: {width, height, regions: [{x, y, jpeg}]}.
export function regionsOf(buffer) {
  const view = new DataView(buffer)
  const regions = []
  for (let at = HEADER, i = view.getUint16(2, true); i > 0; i--) {
    const len = view.getUint32(at + 8, true)
    regions.push({ x: view.getUint16(at, true), y: view.getUint16(at + 2, true), jpeg: new Blob([new Uint8Array(buffer, at + REGION, len)], { type: 'image/jpeg' }) })
    at += REGION + len
  }
  return { width: view.getUint16(4, true), height: view.getUint16(6, true), regions }
}

function painter(canvas) {
  const context = canvas.getContext('2d', { alpha: false })
  let last = Promise.resolve()
  return (buffer) => {
    const { width, height, regions } = regionsOf(buffer)
    const drawn = Promise.all(regions.map((r) => createImageBitmap(r.jpeg)))
    last = last.then(async () => {
      const bitmaps = await drawn
      if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height }
      bitmaps.forEach((bitmap, i) => { context.drawImage(bitmap, regions[i].x, regions[i].y); bitmap.close() })
      canvas.dataset.frames = Number(canvas.dataset.frames ?? 0) + 1
    }).catch(() => {}) // a broken picture is followed by a good one
  }
}

const socketAddress = (path) => {
  const url = new URL(path.replace(/^\//, ''), document.baseURI)
  url.protocol = url.protocol.replace('http', 'ws')
  return url
}

export function liveView(runId, { mayOperate, onLost }) {
  const canvas = h('canvas', { class: 'live-canvas', width: 1280, height: 720, role: 'img', 'aria-label': 'The screen of the run' })
  const words = h('p', { class: 'quiet live-words', role: 'status' }, 'Connecting …')
  const bar = h('div', { class: 'live-bar' })
  const frame = h('div', { class: 'frame' }, canvas)
  const box = h('div', { class: 'live-view' }, frame, h('div', { class: 'live-foot' }, words, bar))
  const paint = painter(canvas)
  let socket = null
  let ended = false
  let lost = 0
  let returns = false // a lease from before is to be taken up
  let now = { control: 'free', ready: false }
  let hands = null
  let renewing = 0

  const send = (message) => socket?.readyState === 1 && socket.send(JSON.stringify(message))

  function draw() {
    const mine = now.control === 'yours'
    const waits = now.status === 'queued' // and has no screen yet
    frame.hidden = waits
    box.classList.toggle('held', mine)
    words.textContent = mine ? (now.ready ? 'You have the controls: click the screen, then type.' : 'The run comes to a stop …')
      : now.control === 'held' ? 'Somebody else has the controls.' : waits ? 'Waiting for a slot.' : 'Live'
    show(bar, !mayOperate || waits ? null : mine
      ? [button('Paste text …', paste), button('Release', release, { class: 'main', 'data-key': 'control' })]
      : button('Take over', takeOver, { 'data-key': 'control' }))
    if (mine && now.ready && !hands) { hands = operate(canvas, send); say('You have the controls') }
    if (!(mine && now.ready) && hands) { hands(); hands = null }
    clearInterval(renewing)
    if (mine) renewing = setInterval(() => send({ type: 'renew' }), RENEW_MS)
  }

  async function takeOver() {
    const take = now.control === 'held' && await ask({ title: 'Take the controls from somebody else?', yes: 'Take over' }) !== null
    send({ type: 'takeover', ...(take && { take: true }) })
  }

  async function release() {
    let message = { type: 'release' }
    if (now.prompt) {
      const answer = await ask({ title: 'The run has asked', text: `${now.prompt}\n\nWithout an answer it stays paused.`, yes: 'Release',
        fields: h('input', { name: 'user_input', 'aria-label': 'Answer', autocomplete: 'off' }) })
      if (!answer) return
      if (answer.user_input) message = { ...message, user_input: answer.user_input }
    }
    send(message)
  }

  async function paste() {
    const answer = await ask({ title: 'Paste into the page', yes: 'Paste', fields: h('textarea', { name: 'text', rows: 4, 'aria-label': 'Text' }) })
    if (answer?.text) send({ type: 'paste', text: answer.text })
  }

  const told = {
    hello: () => { lost = 0; returns = leases.has(runId) },
    state: (m) => {
      now = m
      if (returns && m.control === 'held') send({ type: 'takeover', lease: leases.get(runId) })
      else if (returns) leases.delete(runId)
      returns = false
      draw()
    },
    lease: (m) => leases.set(runId, m.lease),
    released: (m) => { leases.delete(runId); toast(`The controls are given back${m.reason === 'released' ? '' : `: ${plain(m.reason)}`}.`) },
    clipboard: (m) => navigator.clipboard?.writeText(m.text).catch(() => {}),
    error: (m) => { if (now.control === 'held') leases.delete(runId); toast(m.detail ?? m.code, 'bad') },
  }

  function open(path) {
    socket = new WebSocket(socketAddress(path))
    socket.binaryType = 'arraybuffer'
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) return paint(data)
      const message = JSON.parse(data)
      told[message.type]?.(message)
    }
    socket.onclose = ({ code }) => {
      now = { control: 'free', ready: false }
      draw()
      if (ended || code === 1000) { words.textContent = 'The run is over.'; return }
      words.textContent = 'Connecting again …'
      setTimeout(connect, RETRY_MS[Math.min(lost++, RETRY_MS.length - 1)])
    }
  }

  async function connect() {
    if (ended) return
    try {
      const view = await get(runPath(runId, `/view${mayOperate ? '?control=true' : ''}`))
      if (!ended) open(view.ws_url)
    } catch (error) {
      if (error.status === 404 || error.status === 409) return onLost(error)
      words.textContent = error.message
      if (error.status !== 403) setTimeout(connect, RETRY_MS[Math.min(lost++, RETRY_MS.length - 1)])
    }
  }

  attempt(connect)
  return { node: box, stop: () => { ended = true; clearInterval(renewing); hands?.(); socket?.close() } }
}
