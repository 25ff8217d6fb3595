// A new run: a plan as JSON, in words, one instruction, or a file of the server; checked as it is typed.

import { post, rate } from './api.js'
import { button, field, h, show } from './dom.js'
import { checkPlan } from './plan_check.js'
import { previewOf } from './plan_preview.js'
import { go } from './router.js'
import { attempt, say } from './say.js'

const LOCAL_MS = 150
const SERVER_MS = 1200
const RESERVE = 10 // starts that checking by itself leaves
const FILE_MAX = 1 << 20
const NAME_MAX = 120

const KINDS = {
  json: { words: 'Plan', label: 'Plan (JSON)', rows: 14, hint: 'An array of steps, each with type and intent; or an object with steps.', body: (text) => ({ task_file_contents: text }) },
  words: { words: 'In words', label: 'What is to be done', rows: 6, hint: 'Open https://…, search for …, for each result note title and price.', body: (text) => ({ plan_text: text }) },
  cua: { words: 'One instruction', label: 'Instruction', rows: 4, hint: 'Carried out by the model, screen by screen.', body: (text) => ({ instruction: text }) },
  file: { words: 'Server file', label: 'Plan file on the server', rows: 1, hint: 'Below the server’s repository root, for example plans/example/extract_listings.json.', body: (text) => ({ micro: text.trim() }) },
}

const number = (id, attributes) => h('input', { id, type: 'number', min: 0, step: 'any', ...attributes })
const check = (id, words, on) => h('label', { class: 'check' }, h('input', { id, type: 'checkbox', checked: on }), words)

function options(limits) {
  return h('fieldset', { class: 'options' }, h('legend', {}, 'Options'),
    field('Name', h('input', { id: 'plan_name', autocomplete: 'off', maxlength: NAME_MAX, placeholder: 'what it does first' })),
    field('Profile', h('input', { id: 'profile_id', autocomplete: 'off', placeholder: 'default' }), 'Whose cookies and sign-ins; one live run each.'),
    field('Start address', h('input', { id: 'start_url', type: 'url', autocomplete: 'off', placeholder: 'https://' }), 'Where one instruction begins.'),
    field('Cost cap, USD', number('max_cost', { max: limits.max_cost_per_run, placeholder: limits.max_cost_per_run })),
    field('Time cap, minutes', number('max_time_minutes', { min: 1, step: 1, max: limits.max_time_minutes_per_run, placeholder: limits.max_time_minutes_per_run })),
    h('div', { class: 'checks' }, check('row_images', 'Pictures of rows', true), check('record_video', 'Record a video', true)))
}

export function startPage(main, { place, store, title }) {
  let kind = KINDS[place.query.kind] ? place.query.kind : 'json'
  let timers = []
  let asked = 0
  const opts = options(store.state.usage.limits)
  const text = h('textarea', { id: 'plan', spellcheck: 'false', dir: 'auto', input: typed, keydown: keys })
  const label = h('label', { for: 'plan' })
  const hint = h('p', { class: 'hint', id: 'plan-hint' })
  const verdict = h('p', { class: 'verdict', role: 'status', id: 'plan-verdict' })
  const preview = h('div', { class: 'preview', 'aria-label': 'Preview', role: 'region' })
  const start = h('button', { type: 'submit', class: 'main' }, 'Start')
  const tabs = Object.entries(KINDS).map(([key, k]) => button(k.words, () => choose(key), { 'data-kind': key }))
  const opener = h('input', { type: 'file', id: 'plan-file', hidden: true, accept: '.json,.txt,application/json,text/plain', change: () => take(opener.files[0]) })

  // What a run is called that nobody named: what it does first. A plan may bring its own name; a file and an instruction are one.
  function ownName() {
    if (kind === 'file' || kind === 'cua') return ''
    const { named, steps } = kind === 'json' ? checkPlan(text.value) : {}
    return named ? '' : (steps?.[0].intent ?? text.value).trim().split('\n')[0].slice(0, NAME_MAX)
  }

  const value = (id) => opts.querySelector(`#${id}`)
  function body() {
    const more = {}
    for (const id of ['plan_name', 'profile_id', 'start_url']) if (value(id).value.trim()) more[id] = value(id).value.trim()
    for (const id of ['max_cost', 'max_time_minutes']) if (value(id).value) more[id] = Number(value(id).value)
    for (const id of ['row_images', 'record_video']) if (value(id).checked) more[id] = true
    return { ...KINDS[kind].body(text.value), ...(ownName() && { plan_name: ownName() }), ...more }
  }

  function tell(words, tone = '') {
    verdict.className = `verdict ${tone}`
    show(verdict, words)
    if (tone === 'bad') text.setAttribute('aria-invalid', 'true')
    else text.removeAttribute('aria-invalid')
  }

  // What the text alone says; false: it need not be sent.
  function local() {
    if (!text.value.trim()) { tell(''); show(preview); return false }
    const { problem, steps } = kind === 'json' ? checkPlan(text.value) : {}
    if (problem) tell(problem.text, 'bad')
    else tell(steps ? `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}` : '')
    return !problem
  }

  async function dryRun() {
    timers.forEach(clearTimeout)
    if (!local()) return
    if (kind === 'cua') return tell('One instruction has no plan to preview.')
    const mine = ++asked
    tell('Checking …')
    try {
      const reply = await post('/v1/predict', { ...body(), dry_run: true })
      if (mine !== asked) return
      tell('Understood.', 'good')
      show(preview, previewOf(reply))
    } catch (error) {
      if (mine !== asked) return
      tell(error.message, error.status === 429 ? '' : 'bad')
      if (error.status === 429) verdict.append(' The plan is checked when it is started.')
    }
  }

  function typed() {
    timers.forEach(clearTimeout)
    asked++
    timers = [setTimeout(local, LOCAL_MS), setTimeout(() => { if (kind !== 'cua' && rate.remaining > RESERVE) dryRun() }, SERVER_MS)]
  }

  async function submit(event) {
    event.preventDefault()
    timers.forEach(clearTimeout)
    if (!local()) return text.focus()
    start.disabled = true
    const sent = kind === 'cua' ? post('/v1/cua', { ...body(), detached: true }) : post('/v1/predict', { ...body(), detached: true })
    const reply = await attempt(() => sent)
    start.disabled = false
    if (reply) go({ page: 'runs', id: reply.run_id })
  }

  function keys(event) {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    event.shiftKey ? text.form.requestSubmit() : dryRun()
  }

  async function take(file) {
    if (!file) return
    if (file.size > FILE_MAX) return tell(`${file.name} is larger than 1 MB`, 'bad')
    text.value = await file.text()
    if (!value('plan_name').value) value('plan_name').value = file.name.replace(/\.[^.]*$/, '')
    choose(/^\s*[[{]/.test(text.value) ? 'json' : 'words')
    dryRun()
  }

  function choose(key) {
    kind = key
    const k = KINDS[kind]
    tabs.forEach((t) => t.setAttribute('aria-pressed', String(t.dataset.kind === kind)))
    label.textContent = k.label
    hint.textContent = k.hint
    text.rows = k.rows
    text.setAttribute('aria-describedby', 'plan-hint plan-verdict')
    value('start_url').closest('.field').hidden = kind !== 'cua'
    show(preview)
    if (local()) typed()
  }

  function example() {
    text.value = 'plans/example/extract_listings.json'
    choose('file')
    dryRun()
    say('The example plan')
  }

  main.append(h('div', { class: 'head' }, h('h1', {}, 'New run')), h('form', { class: 'start', submit },
    h('div', { class: 'editor card' },
      h('div', { class: 'filters', role: 'group', 'aria-label': 'How the plan is given' }, tabs),
      h('div', { class: 'label-row' }, label, h('span', { class: 'spread' }), opener,
        h('span', {}, button('Open a file …', () => opener.click(), { class: 'bare' }), button('Example', example, { class: 'bare' }))),
      text, hint, verdict, preview),
    h('div', { class: 'side card' }, opts,
      h('div', { class: 'buttons' }, button('Preview', dryRun, { title: 'Ctrl+Enter' }), start))))
  choose(kind)
  title('New run')
  return () => { timers.forEach(clearTimeout); asked++ }
}
