// The server, as the signed-in token sees it. The token lives in this variable and nowhere else: a reload
// forgets it.

let token = ''
let onRefused = () => {}
export const rate = { limit: 0, remaining: Infinity } // of starting runs, as the last answer said

export const signedIn = () => token !== ''
export function signIn(value, refused = () => {}) {
  token = value
  onRefused = refused
}
export function signOut() {
  token = ''
  rate.remaining = Infinity
}

export class Refusal extends Error {
  constructor(status, detail, retryAfter) {
    super(detail)
    this.status = status
    this.retryAfter = retryAfter
  }
}

const address = (path) => new URL(path.replace(/^\//, ''), document.baseURI)

function note(reply) {
  const limit = reply.headers.get('x-ratelimit-limit')
  if (limit === null) return
  rate.limit = Number(limit)
  rate.remaining = Number(reply.headers.get('x-ratelimit-remaining'))
}

function words(text, status) {
  try {
    const { detail } = JSON.parse(text)
    if (Array.isArray(detail)) return detail.map((d) => d.msg).join('; ')
    if (detail) return String(detail)
  } catch { /* not ours */ }
  return `the server answered ${status}`
}

// The reply itself; throws a Refusal for what is not 2xx, and for a server that cannot be reached (status 0).
export async function call(method, path, { body, headers, signal } = {}) {
  const sent = token
  let reply
  try {
    reply = await fetch(address(path), {
      method, signal, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store',
      headers: { 'X-Mantis-Token': token, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    })
  } catch (error) {
    if (error.name === 'AbortError') throw error
    throw new Refusal(0, 'the server cannot be reached')
  }
  note(reply)
  if (reply.ok) return reply
  const refusal = new Refusal(reply.status, words(await reply.text(), reply.status), Number(reply.headers.get('retry-after')) || 0)
  if (reply.status === 401 && token && token === sent) onRefused(refusal)
  throw refusal
}

export const get = async (path, options) => (await call('GET', path, options)).json()
export const post = async (path, body, options) => (await call('POST', path, { body, ...options })).json()
export const action = (runId, name, more) => post('/v1/predict', { action: name, run_id: runId, ...more })
export const runPath = (runId, rest = '') => `/v1/runs/${encodeURIComponent(runId)}${rest}`
