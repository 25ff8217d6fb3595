// The recording of a run, with a chapter per step.

import { call, runPath } from './api.js'
import { button, h, show } from './dom.js'
import { blobOf, download } from './media.js'

const seconds = (time) => time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, '0')}`
const unmark = (text) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

// [{at, words}] of WebVTT, at in seconds.
export function cuesOf(vtt) {
  return vtt.split(/\r?\n\r?\n/).map((cue) => /^(?:[^\n]*\n)?([\d:.]+) --> [^\n]*\n([^]*)/.exec(cue.trim())).filter(Boolean)
    .map(([, from, text]) => ({ at: seconds(from), words: unmark(text) }))
}

// A recording without chapters is a recording.
async function chaptersOf(runId) {
  try {
    return cuesOf(await (await call('GET', runPath(runId, '/video?track=chapters'))).text())
  } catch { return [] }
}

// A list that follows the film and leads it.
function chapterList(film, chapters) {
  const rows = chapters.map((c) => h('li', {}, button([h('span', { class: 'num' }, clock(c.at)), h('span', { dir: 'auto' }, c.words)],
    () => { film.currentTime = c.at + 0.01; film.play().catch(() => {}) }, { class: 'bare' })))
  film.addEventListener('timeupdate', () => {
    const now = chapters.findLastIndex((c) => c.at <= film.currentTime + 0.05)
    rows.forEach((row, i) => (i === now ? row.setAttribute('aria-current', 'true') : row.removeAttribute('aria-current')))
  })
  return h('ol', { class: 'chapters', 'aria-label': 'Chapters', tabindex: 0 }, rows)
}

export function videoView(runId, result) {
  const format = result?.video?.format
  const film = format === 'gif' ? h('img', { alt: 'Recording of the run' }) : h('video', { controls: true, playsinline: true, 'aria-label': 'Recording of the run' })
  const box = h('div', { class: 'video' }, h('p', { class: 'quiet', role: 'status' }, 'Loading the recording …'))
  Promise.all([blobOf(runPath(runId, '/video')), format === 'gif' ? [] : chaptersOf(runId)]).then(([url, chapters]) => {
    film.src = url
    const name = `${runId}.${format ?? 'mp4'}`
    show(box, film, chapters.length ? chapterList(film, chapters) : null,
      h('div', { class: 'buttons' }, button('Download', () => download(runPath(runId, '/video'), name), { class: 'bare', 'aria-label': `Download ${name}` })))
  }, (error) => show(box, h('p', { class: 'empty' }, error.status === 404 ? 'This run was not recorded.' : error.message)))
  return { node: box, stop: () => film.pause?.() }
}
