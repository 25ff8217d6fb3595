// Pictures, videos and files, fetched with the token and shown from memory.

import { call } from './api.js'
import { button, h } from './dom.js'
import { attempt } from './say.js'

const KEPT = 60

const kept = new Map() // path -> promise of a blob's address, the one used last at the end

function forget(path) {
  kept.get(path)?.then((url) => URL.revokeObjectURL(url), () => {})
  kept.delete(path)
}

export function forgetAll() { for (const path of [...kept.keys()]) forget(path) }

// The address of what is at path, for src.
export function blobOf(path) {
  const known = kept.get(path)
  if (known) kept.delete(path)
  const promise = known ?? call('GET', path).then((r) => r.blob()).then((b) => URL.createObjectURL(b))
  kept.set(path, promise)
  promise.catch(() => kept.delete(path))
  if (kept.size > KEPT) forget(kept.keys().next().value)
  return promise
}

// A picture as large as the window allows, with what is to be said below it. path null: only that.
export function zoom(path, alt, more) {
  const dialog = h('dialog', { class: 'zoom', 'aria-label': alt, close: () => dialog.remove(), click: (e) => e.target === dialog && dialog.close() },
    path ? picture(path, alt) : null, more, button('Close', () => dialog.close(), { autofocus: true }))
  document.body.append(dialog)
  dialog.showModal()
}

// An <img> that fills when its blob is there; nothing of it shows in the address bar or the history.
export function picture(path, alt, attributes = {}) {
  const img = h('img', { alt, decoding: 'async', ...attributes })
  blobOf(path).then((url) => { img.src = url }, (error) => {
    img.replaceWith(h('p', { class: 'lost quiet' }, error.status === 404 ? 'This picture is not kept any more.' : error.message))
  })
  return img
}

export async function download(path, name) {
  const reply = await attempt(() => call('GET', path))
  if (!reply) return
  const url = URL.createObjectURL(await reply.blob())
  h('a', { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 60000)
}
