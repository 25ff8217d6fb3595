// The recording of a run, with a chapter per step.

import { runPath } from './api.js'
import { button, h, show } from './dom.js'
import { duration, plain } from './format.js'
import { blobOf } from './media.js'

// [{at, words}] in seconds of the film.
function chaptersOf(video) {
  return (video?.chapters ?? []).map((c) => ({ at: c.start_s ?? c.start ?? 0, words: c.title ?? plain(c.type) }))
}

export function videoView(runId, result) {
  const film = h('video', { controls: true, playsinline: true, preload: 'metadata', 'aria-label': 'Recording of the run' })
  const chapters = chaptersOf(result?.video)
  const box = h('div', { class: 'video' }, h('p', { class: 'quiet', role: 'status' }, 'Loading the recording …'))
  const rows = chapters.map((c) => h('li', {}, button([h('span', { class: 'num' }, duration(c.at)), h('span', { dir: 'auto' }, c.words)], () => { film.currentTime = c.at; film.play().catch(() => {}) }, { class: 'bare' })))
  film.addEventListener('timeupdate', () => {
    const now = chapters.findLastIndex((c) => c.at <= film.currentTime + 0.05)
    rows.forEach((row, i) => (i === now ? row.setAttribute('aria-current', 'true') : row.removeAttribute('aria-current')))
  })
  blobOf(runPath(runId, '/video')).then((url) => {
    film.src = url
    show(box, film, rows.length ? h('ol', { class: 'chapters', 'aria-label': 'Chapters' }, rows) : null)
  }, (error) => show(box, h('p', { class: 'empty' }, error.status === 404 ? 'This run was not recorded.' : error.message)))
  return { node: box, stop: () => film.pause() }
}
