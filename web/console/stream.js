// A run's events as they come. An EventSource cannot send the token, so the stream is read by fetch; what
// comes back after a loss goes on behind the last event (http-api.md section 11).

import { call, runPath } from './api.js'

const RETRY_MS = [500, 1000, 2000, 5000, 10000]

// {id, event, data} of each frame in the text so far, and what is left of it.
export function frames(text) {
  const parts = text.split(/\r?\n\r?\n/)
  const rest = parts.pop()
  const found = []
  for (const part of parts) {
    const frame = { id: '', event: 'message', data: '' }
    for (const line of part.split(/\r?\n/)) {
      const colon = line.indexOf(':')
      if (colon > 0) frame[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, '')
    }
    if (frame.data) found.push(frame)
  }
  return [found, rest]
}

async function read(reply, take) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    let found
    ;[found, rest] = frames(rest + value)
    for (const frame of found) take(frame)
  }
}

const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve() }, { once: true })
})

// Calls take(event name, data) until the run is over or the signal says stop. state('live' | 'lost' | 'ended').
export async function follow(runId, { take, state, signal }) {
  let last = ''
  let ended = false
  const one = (frame) => {
    if (frame.id) last = frame.id
    if (frame.event === 'terminal' || frame.event === 'revoked') ended = true
    if (frame.event !== 'timeout') take(frame.event, JSON.parse(frame.data))
  }
  for (let lost = 0; !ended && !signal.aborted;) {
    try {
      const reply = await call('GET', runPath(runId, '/events?sse=true&steps=false'),
        { signal, headers: last ? { 'Last-Event-ID': last } : {} })
      state('live')
      lost = 0
      await read(reply, one)
    } catch (error) {
      if (signal.aborted) return
      if (error.status && error.status < 500 && error.status !== 429) break
      lost++
    }
    if (ended || signal.aborted) break
    if (lost) {
      state('lost')
      await pause(RETRY_MS[Math.min(lost - 1, RETRY_MS.length - 1)], signal)
    }
  }
  if (!signal.aborted) state('ended')
}
