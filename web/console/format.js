// Times, money and words as people read them.

const UNITS = [[60, 's'], [60, 'min'], [24, 'h'], [Infinity, 'd']]

export function ago(iso, now = Date.now()) {
  if (!iso) return ''
  let n = Math.max(0, (now - Date.parse(iso)) / 1000)
  if (n < 5) return 'just now'
  for (const [size, unit] of UNITS) {
    if (n < size) return `${Math.floor(n)} ${unit} ago`
    n /= size
  }
  return ''
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return ''
  if (seconds < 9.95) return `${seconds.toFixed(seconds < 0.995 ? 2 : 1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${whole % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

export const between = (from, to, now = Date.now()) => (from ? ((to ? Date.parse(to) : now) - Date.parse(from)) / 1000 : NaN)

export function usd(n) {
  if (!Number.isFinite(n)) return ''
  return `$${n === 0 ? '0' : n < 0.01 ? n.toFixed(4) : n.toFixed(2)}`
}

export function bytes(n) {
  if (!Number.isFinite(n)) return ''
  if (n < 1024) return `${n} B`
  return n < 1048576 ? `${(n / 1024).toFixed(n < 10240 ? 1 : 0)} KB` : `${(n / 1048576).toFixed(1)} MB`
}

export const clock = (iso) => (iso ? new Date(iso).toLocaleTimeString([], { hour12: false }) : '')
export function moment(iso, now = new Date()) {
  const at = new Date(iso)
  return at.toDateString() === now.toDateString() ? clock(iso) : at.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short', hour12: false })
}

// A status in words, and what it means for its colour.
export const STATUS = {
  queued: ['Queued', 'wait'], running: ['Running', 'live'], recovering: ['Recovering', 'live'], paused: ['Paused', 'ask'],
  succeeded: ['Succeeded', 'good'], completed_with_failures: ['Done with failures', 'warn'], halted: ['Halted', 'bad'],
  failed: ['Failed', 'bad'], timeout: ['Timed out', 'bad'], cancelled: ['Cancelled', 'off'],
}
export const statusWord = (status) => STATUS[status]?.[0] ?? status
export const statusTone = (status) => STATUS[status]?.[1] ?? 'off'
export const isLive = (status) => ['wait', 'live', 'ask'].includes(statusTone(status))

export const plain = (name) => String(name ?? '').replaceAll('_', ' ')

// Why a run ended, of which a step's type may be a part: required_failed:click
export const because = (name) => plain(name).replace(':', ': ')
