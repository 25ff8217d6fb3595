// What the tenant has used, and what this token may.

import { get } from './api.js'
import { h, svg } from './dom.js'
import { usd } from './format.js'

const DAY_MS = 86400000
const SHOWN = 30

// Every day of the last SHOWN ones, with zeros where nothing was started.
export function allDays(days, now = Date.now()) {
  const known = new Map(days.map((d) => [d.date, d]))
  return Array.from({ length: SHOWN }, (_, i) => {
    const date = new Date(now - (SHOWN - 1 - i) * DAY_MS).toISOString().slice(0, 10)
    return known.get(date) ?? { date, runs: 0, succeeded: 0, ended_badly: 0, cost_usd: 0 }
  })
}

function bars(days) {
  const top = Math.max(1, ...days.map((d) => d.runs))
  const part = (kind, i, from, n) => (n > 0 ? svg('rect', { class: kind, x: i * 10 + 1, width: 8, y: 100 - ((from + n) / top) * 96, height: (n / top) * 96 }) : null)
  return svg('svg', { class: 'bars', viewBox: `0 0 ${SHOWN * 10} 100`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    days.map((d, i) => [part('good', i, 0, d.succeeded), part('bad', i, d.succeeded, d.ended_badly),
      part('off', i, d.succeeded + d.ended_badly, d.runs - d.succeeded - d.ended_badly),
      d.runs ? null : svg('rect', { class: 'none', x: i * 10 + 1, width: 8, y: 99, height: 1 })]))
}

const figure = (label, value, hint, share) => h('div', { class: 'figure card' }, h('dt', {}, label), h('dd', {}, value),
  share === undefined ? null : h('dd', {}, h('meter', { min: 0, max: 1, value: Math.min(1, share), high: 0.8, 'aria-label': `${label}: share of the limit` })),
  hint ? h('dd', { class: 'hint' }, hint) : null)

const sum = (days, key) => days.reduce((total, d) => total + d[key], 0)

function figures(usage, days) {
  const { limits } = usage
  const week = days.slice(-7)
  const ended = sum(days, 'succeeded') + sum(days, 'ended_badly')
  return h('dl', { class: 'figures' },
    figure('Cost today', usd(usage.cost_today_usd), limits.max_cost_per_day ? `of ${usd(limits.max_cost_per_day)} a day` : 'no limit for a day',
      limits.max_cost_per_day ? usage.cost_today_usd / limits.max_cost_per_day : undefined),
    figure('Cost, 7 days', usd(sum(week, 'cost_usd')), `${sum(week, 'runs')} runs`),
    figure('Cost, 30 days', usd(sum(days, 'cost_usd')), `${sum(days, 'runs')} runs`),
    figure('Succeeded, 30 days', ended ? `${Math.round((100 * sum(days, 'succeeded')) / ended)} %` : '–', `${sum(days, 'succeeded')} of ${ended} that ended by themselves`),
    figure('Live runs', String(usage.live_runs), `of ${limits.max_concurrent_runs} at once`, usage.live_runs / limits.max_concurrent_runs))
}

const fact = (name, value) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', { dir: 'auto' }, value))

function limitsTable(usage) {
  const l = usage.limits
  return h('table', { class: 'plain facts' }, h('tbody', {},
    fact('Tenant', usage.tenant_id), usage.label ? fact('Token', usage.label) : null, fact('Scopes', usage.scopes.join(', ')),
    fact('Cost of a run', `up to ${usd(l.max_cost_per_run)}`), fact('Time of a run', `up to ${l.max_time_minutes_per_run} min`),
    fact('Starts', l.rate_limit_per_minute ? `up to ${l.rate_limit_per_minute} a minute` : 'not limited'),
    fact('Hosts', l.allowed_domains.length ? l.allowed_domains.join(', ') : 'any')))
}

function daysTable(days) {
  return h('details', {}, h('summary', {}, 'As a table'), h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Days' }, h('table', { class: 'plain' },
    h('thead', {}, h('tr', {}, ['Day (UTC)', 'Runs', 'Succeeded', 'Went wrong', 'Cost'].map((w, i) => h('th', { scope: 'col', class: i ? 'num' : undefined }, w)))),
    h('tbody', {}, [...days].reverse().filter((d) => d.runs).map((d) => h('tr', {}, h('th', { scope: 'row' }, d.date),
      [d.runs, d.succeeded, d.ended_badly, usd(d.cost_usd)].map((v) => h('td', { class: 'num' }, v))))))))
}

export function usagePage(main, { store, title }) {
  const box = h('div', {}, h('p', { class: 'quiet', role: 'status' }, 'Counting …'))
  main.append(h('div', { class: 'head' }, h('h1', {}, 'Usage')), box)
  title('Usage')
  get('/v1/usage').then((usage) => {
    const days = allDays(usage.days)
    store.set({ usage })
    box.replaceChildren(figures(usage, days),
      h('section', { class: 'card', 'aria-labelledby': 'days-h' }, h('h2', { id: 'days-h' }, 'Runs by day'), bars(days),
        h('p', { class: 'legend' }, h('span', { class: 'good' }, 'succeeded'), h('span', { class: 'bad' }, 'went wrong'), h('span', { class: 'off' }, 'other')),
        h('p', { class: 'axis' }, h('span', {}, days[0].date), h('span', {}, days.at(-1).date)), daysTable(days)),
      h('section', { class: 'card', 'aria-labelledby': 'limits-h' }, h('h2', { id: 'limits-h' }, 'Limits of this token'), limitsTable(usage)))
  }, (error) => box.replaceChildren(h('p', { class: 'problem', role: 'alert' }, error.message)))
}
