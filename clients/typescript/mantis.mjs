// A client of the Mantis HTTP API. No dependencies: fetch and WebCrypto of Node 18 or a browser.
// Types are in mantis.d.mts; methods and behaviour are those of clients/python.

export const SUCCESS = Object.freeze(['succeeded'])
export const TERMINAL = Object.freeze([...SUCCESS, 'completed_with_failures', 'halted', 'failed', 'cancelled', 'timeout'])

const HEARTBEAT_MS = 25000 // a stream says something at least so often
const RETRIED = [429, 503]
const REFUSED_REDIRECT = 'the server answered with a redirect, which this API never does'

/** The server refused, or could not be reached (status 0). */
export class MantisError extends Error {
  constructor(status, detail, retryAfterMs = null) {
    super(status ? `${status}: ${detail}` : detail)
    this.name = 'MantisError'
    this.status = status
    this.detail = detail
    this.retryAfterMs = retryAfterMs
  }
}

/** A run ended, and not well. `document` is its status with the result. */
export class RunFailed extends Error {
  constructor(document) {
    const why = document.error ?? document.halt_reason ?? document.halt_class
    super(`run ${document.run_id} ${document.status}${why ? `: ${why}` : ''}`)
    this.name = 'RunFailed'
    this.document = document
    this.runId = document.run_id
    this.status = document.status
  }
}

/** The deadline passed; the run goes on. */
export class RunTimeout extends Error {
  constructor(message) {
    super(message)
    this.name = 'RunTimeout'
  }
}

const webCrypto = async () => globalThis.crypto ?? (await import('node:crypto')).webcrypto
const segment = (text) => encodeURIComponent(text)
const given = (object) => Object.fromEntries(Object.entries(object).filter(([, v]) => v !== undefined && v !== null && v !== ''))

async function freshKey() {
  const bytes = (await webCrypto()).getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
}

/** One server and one tenant's token. */
export class Mantis {
  #base
  #headers
  #silenceMs
  #retries
  #maxRetryWaitMs
  #sleep
  #fetch

  constructor(baseUrl, token, options = {}) {
    if (!/^https?:\/\//.test(baseUrl)) throw new MantisError(0, `the server's address must begin with http:// or https://, not '${baseUrl}'`)
    this.#base = baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '')
    this.#headers = { Accept: 'application/json', ...options.headers }
    const trimmed = (token ?? '').trim() // read from a file, it may end in a newline
    if (!/^[\x20-\x7e]*$/.test(trimmed)) throw new MantisError(0, 'the token has characters that no header can carry')
    if (trimmed) this.#headers['X-Mantis-Token'] = trimmed
    if (options.gatewayKey) this.#headers.Authorization = `Api-Key ${options.gatewayKey}`
    this.#silenceMs = options.timeoutMs ?? 60000
    this.#retries = options.retries ?? 5
    this.#maxRetryWaitMs = options.maxRetryWaitMs ?? 60000
    this.#sleep = options.sleep ?? ((ms) => new Promise((resolve) => { setTimeout(resolve, ms) }))
    this.#fetch = options.fetch ?? ((...args) => fetch(...args))
  }

  // ---- runs ----

  async submit(plan, options = {}, idempotencyKey = '') {
    return this.#send('POST', '/v1/predict', { ...plan, ...options, detached: true }, { key: idempotencyKey || await freshKey() })
  }

  async run(plan, options = {}, wait = {}) {
    const { run_id: id } = await this.submit(plan, options)
    return this.waitForCompletion(id, { raiseOnFailure: true, ...wait })
  }

  dryRun(plan, options = {}) {
    return this.#send('POST', '/v1/predict', { ...plan, ...options, dry_run: true }, { safe: true })
  }

  phase(runId) { return this.#get(`/v1/runs/${segment(runId)}`) }

  status(runId) { return this.#get(`/v1/runs/${segment(runId)}/status`) }

  result(runId) { return this.#get(`/v1/runs/${segment(runId)}/result`) }

  async waitForCompletion(runId, { timeoutMs, raiseOnFailure = false, onPhase } = {}) {
    const end = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs
    for (;;) {
      const phase = await this.phase(runId)
      onPhase?.(phase)
      if (phase.terminal) {
        const document = await this.result(runId)
        if (document.result_ready) {
          if (raiseOnFailure && !SUCCESS.includes(document.status)) throw new RunFailed(document)
          return document
        }
      }
      const left = end - Date.now()
      if (left <= 0) throw new RunTimeout(`run ${runId} is still ${phase.phase} after ${timeoutMs} ms`)
      await this.#sleep(Math.min(phase.terminal ? 200 : phase.polling_backoff_ms_hint, left))
    }
  }

  cancel(runId, reason = '') {
    return this.#send('POST', `/v1/runs/${segment(runId)}/cancel`, given({ reason }), { safe: true })
  }

  pause(runId, reason = '') { return this.#act('pause', runId, given({ reason })) }

  resume(runId, userInput) {
    return this.#act('resume', runId, userInput === undefined ? {} : { user_input: userInput })
  }

  async logs(runId, tail = 200) {
    return (await this.#act('logs', runId, { tail })).events.map((line) => JSON.parse(line))
  }

  graphLearn(objective, { startUrl = '', forceRelearn = false } = {}) {
    return this.#send('POST', '/v1/predict', { action: 'graph_learn', objective, start_url: startUrl, force_relearn: forceRelearn })
  }

  listRuns({ status = '', q = '', limit, before = '' } = {}) {
    return this.#get('/v1/runs', { status: Array.isArray(status) ? status.join(',') : status, q, limit, before })
  }

  queue() { return this.#get('/v1/queue') }

  usage() { return this.#get('/v1/usage') }

  async cua(instruction, options = {}, idempotencyKey = '') {
    return this.#send('POST', '/v1/cua', { detached: true, ...options, instruction }, { key: idempotencyKey || await freshKey() })
  }

  fingerprint(targetUrl = '') {
    return this.#send('POST', '/v1/diagnose/fingerprint', given({ target_url: targetUrl }))
  }

  // ---- events ----

  async events(runId, since = '') {
    return (await this.#get(`/v1/runs/${segment(runId)}/events`, { since })).events
  }

  async* streamEvents(runId, { since = '', timeoutMs } = {}) {
    const end = timeoutMs === undefined ? Infinity : Date.now() + timeoutMs
    let cursor = since
    let failures = 0
    let phase
    for (;;) {
      let pause = 0
      try {
        for await (const frame of this.#stream(runId, cursor, end)) {
          failures = 0
          if (frame.id) {
            cursor = frame.id
          } else if (frame.event === 'phase') {
            if (frame.data.phase === phase) continue // said again after a reconnect
            phase = frame.data.phase
          }
          yield frame
          if (frame.event === 'terminal' && !frame.id) return
        }
      } catch (error) {
        const mayTry = error instanceof MantisError && (error.status === 0 || RETRIED.includes(error.status))
        if (!mayTry || (failures >= this.#retries && Date.now() < end)) throw error
        pause = retryPause(failures++, error.retryAfterMs)
      }
      if (Date.now() + pause >= end) throw new RunTimeout(`run ${runId} had not ended after ${timeoutMs} ms`)
      await this.#sleep(pause)
    }
  }

  // One connection's frames; returns when the server ends it on purpose, to be opened again.
  async* #stream(runId, cursor, end) {
    const broken = (why) => new MantisError(0, `the stream of run ${runId} broke off${why ? `: ${why}` : ''}`)
    const control = new AbortController()
    const silence = Math.max(this.#silenceMs, 2 * HEARTBEAT_MS)
    let timer
    const listen = () => {
      clearTimeout(timer)
      timer = setTimeout(() => control.abort(), Math.max(Math.min(silence, end - Date.now()), 100))
    }
    listen()
    try {
      const reply = await this.#connect('GET', `/v1/runs/${segment(runId)}/events`, { sse: 'true', steps: 'false' }, undefined,
        { Accept: 'text/event-stream', ...given({ 'Last-Event-ID': cursor }) }, control.signal)
      for await (const frame of frames(reply.body.getReader(), listen)) {
        if (frame.event === 'timeout' && !frame.id) return
        yield frame
      }
    } catch (error) {
      throw error instanceof MantisError ? error : broken(error.message)
    } finally {
      clearTimeout(timer)
      control.abort() // also when the caller stops listening
    }
    throw broken()
  }

  // ---- results ----

  async artifacts(runId) { return (await this.result(runId)).result?.artifacts ?? [] }

  artifact(runId, name) { return this.#bytes(`/v1/runs/${segment(runId)}/artifacts/${segment(name)}`) }

  video(runId, { raw = false, track = '' } = {}) {
    return this.#bytes(`/v1/runs/${segment(runId)}/video`, { track, ...(raw ? { raw: 'true' } : {}) })
  }

  steps(runId, after) { return this.#get(`/v1/runs/${segment(runId)}/steps`, { after }) }

  screenshot(runId, name) { return this.#bytes(`/v1/runs/${segment(runId)}/screenshots/${segment(name)}`) }

  // ---- a person's eyes and hands ----

  view(runId, { control = false } = {}) {
    return this.#get(`/v1/runs/${segment(runId)}/view`, control ? { control: 'true' } : {})
  }

  takeOver(runId, { lease = '', take = false } = {}) {
    return this.#send('POST', `/v1/runs/${segment(runId)}/takeover`, given({ lease, take }))
  }

  release(runId, lease, userInput) {
    return this.#send('POST', `/v1/runs/${segment(runId)}/release`, { lease, ...(userInput === undefined ? {} : { user_input: userInput }) })
  }

  // ---- recipes ----

  async recipes() {
    const listed = await this.#get('/v1/recipes')
    return [...new Set([...listed.recipes, ...listed.shipped].map((r) => r.name))].sort()
  }

  async recipe(name) { return (await this.#get(`/v1/recipes/${segment(name)}`)).schema }

  putRecipe(name, schema) { return this.#send('POST', '/v1/recipes', { name, schema }, { safe: true }) }

  async deleteRecipe(name) {
    return (await this.#send('DELETE', `/v1/recipes/${segment(name)}`, undefined, { safe: true })).deleted
  }

  // ---- webhooks ----

  async webhooks({ state = '', limit } = {}) { return (await this.#get('/v1/webhooks', { state, limit })).deliveries }

  async runWebhooks(runId) { return (await this.#get(`/v1/runs/${segment(runId)}/webhook`)).deliveries }

  replayWebhook(deliveryId) {
    return this.#send('POST', `/v1/webhooks/${segment(deliveryId)}/replay`, {}, { safe: true })
  }

  replayRunWebhooks(runId) {
    return this.#send('POST', `/v1/runs/${segment(runId)}/webhook/replay`, {}, { safe: true })
  }

  // ---- the server ----

  async health() {
    try {
      return await (await this.#connect('GET', '/health', {}, undefined, {}, AbortSignal.timeout(this.#silenceMs))).json()
    } catch (error) {
      if (error.status !== 503) throw error
      return { ok: false, reason: error.detail }
    }
  }

  version() { return this.#get('/v1/version') }

  async models() { return (await this.#get('/v1/models')).data.map((m) => m.id) }

  chat(messages, options = {}) { return this.#send('POST', '/v1/chat/completions', { ...options, messages }) }

  async metrics() { return new TextDecoder().decode(await this.#bytes('/metrics')) }

  openapi() { return this.#get('/openapi.json') }

  // ---- calls ----

  #act(action, runId, fields) {
    return this.#send('POST', '/v1/predict', { action, run_id: runId, ...fields }, { safe: true })
  }

  #get(path, query = {}) { return this.#retrying('GET', path, given(query), undefined, {}, true, (r) => r.json()) }

  async #bytes(path, query = {}) {
    return new Uint8Array(await this.#retrying('GET', path, query, undefined, {}, true, (r) => r.arrayBuffer()))
  }

  // safe, or with a key: it may be sent again when nobody knows whether it arrived.
  #send(method, path, body, { key = '', safe = false } = {}) {
    return this.#retrying(method, path, {}, body, given({ 'Idempotency-Key': key }), safe || Boolean(key), (r) => r.json())
  }

  async #retrying(method, path, query, body, headers, safe, read) {
    for (let attempt = 0; ; attempt++) {
      try {
        const reply = await this.#connect(method, path, query, body, headers, AbortSignal.timeout(this.#silenceMs))
        return await read(reply).catch((error) => {
          throw new MantisError(0, `the reply to ${method} ${path} broke off: ${error.message}`)
        })
      } catch (error) {
        const again = RETRIED.includes(error.status) || (error.status === 0 && safe)
        const pause = retryPause(attempt, error.retryAfterMs)
        if (!again || attempt === this.#retries || pause > this.#maxRetryWaitMs) throw error
        await this.#sleep(pause)
      }
    }
  }

  async #connect(method, path, query, body, headers, signal) {
    const search = new URLSearchParams(query).toString()
    const all = { ...this.#headers, ...headers }
    if (body !== undefined) all['Content-Type'] = 'application/json'
    let reply
    try {
      reply = await this.#fetch(this.#base + path + (search ? `?${search}` : ''),
        { method, headers: all, body: body === undefined ? undefined : JSON.stringify(body), signal, redirect: 'manual' })
    } catch (error) {
      throw new MantisError(0, `${method} ${path}: no reply from the server: ${error.cause?.message ?? error.message}`)
    }
    if (reply.type === 'opaqueredirect') throw new MantisError(reply.status, REFUSED_REDIRECT)
    if (!reply.ok) throw await refusal(reply)
    return reply
  }
}

function retryPause(attempt, askedMs) {
  return askedMs ?? Math.min(500 * 2 ** attempt, 15000)
}

async function refusal(reply) {
  const text = await reply.text().catch(() => '')
  let detail = text.slice(0, 500)
  try {
    const document = JSON.parse(text)
    detail = document.detail ?? document.reason ?? detail
  } catch { /* not every refusal is ours */ }
  const seconds = Number.parseFloat(reply.headers.get('Retry-After') ?? '')
  return new MantisError(reply.status, typeof detail === 'string' ? detail : JSON.stringify(detail),
    Number.isNaN(seconds) ? null : seconds * 1000)
}

// The frames of an event stream, until the peer closes it.
async function* frames(reader, heard) {
  const decoder = new TextDecoder()
  let rest = ''
  let frame = {}
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    heard()
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
    rest = lines.pop()
    for (const raw of lines) {
      const line = raw.replace(/\r$/, '')
      if (line === '') {
        if (frame.data !== undefined) yield { id: frame.id ?? '', event: frame.event ?? 'message', data: JSON.parse(frame.data) }
        frame = {}
        continue
      }
      const at = line.indexOf(':')
      const field = at < 0 ? line : line.slice(0, at)
      const text = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '')
      frame[field] = field === 'data' && frame.data !== undefined ? `${frame.data}\n${text}` : text
    }
  }
}

/** Did the server send these bytes? signature: X-Mantis-Signature, or X-Mantis-Signature-V2 and then not too old. */
export async function verifyWebhookSignature(body, signature, secret, { toleranceMs = 300000, nowMs = Date.now() } = {}) {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  if (!signature) return false
  if (signature.startsWith('sha256=')) return sameMac(signature.slice(7), secret, bytes)
  const parts = Object.fromEntries(signature.split(',').map((p) => p.split(/=(.*)/s, 2)))
  if (!/^\d+$/.test(parts.t ?? '') || !parts.v1) return false
  if (toleranceMs !== null && Math.abs(nowMs - Number(parts.t) * 1000) > toleranceMs) return false
  const stamp = new TextEncoder().encode(`${parts.t}.`)
  const message = new Uint8Array(stamp.length + bytes.length)
  message.set(stamp)
  message.set(bytes, stamp.length)
  return sameMac(parts.v1, secret, message)
}

// verify() of WebCrypto compares in constant time.
async function sameMac(hex, secret, message) {
  if (!/^[0-9a-f]{64}$/.test(hex)) return false
  const { subtle } = await webCrypto()
  const key = await subtle.importKey('raw', typeof secret === 'string' ? new TextEncoder().encode(secret) : secret,
    { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  return subtle.verify('HMAC', key, Uint8Array.from(hex.match(/../g), (h) => Number.parseInt(h, 16)), message)
}

/** Which method carries which operation of /openapi.json; a test holds both together. */
export const OPERATIONS = Object.freeze({
  predict: 'submit', cua: 'cua', chatCompletions: 'chat', getRunPhase: 'phase', getRunStatus: 'status',
  getRunResult: 'result', cancelRun: 'cancel', getRunSteps: 'steps', getRunScreenshot: 'screenshot', getRunView: 'view',
  takeOverRun: 'takeOver', releaseRun: 'release', getUsage: 'usage', getRunEvents: 'streamEvents', getRunVideo: 'video',
  getRunArtifact: 'artifact', getRunWebhook: 'runWebhooks', replayRunWebhook: 'replayRunWebhooks',
  listWebhooks: 'webhooks', replayWebhook: 'replayWebhook', getQueue: 'queue', listRuns: 'listRuns', putRecipe: 'putRecipe',
  listRecipes: 'recipes', getRecipe: 'recipe', deleteRecipe: 'deleteRecipe', diagnoseFingerprint: 'fingerprint',
  health: 'health', version: 'version', listModels: 'models', metrics: 'metrics', openapi: 'openapi',
})
/** Aliases of paths above, pages for people, and addresses that view() and takeOver() give. */
export const LEFT_OUT = Object.freeze([
  'predictAlias', 'healthAlias', 'docs', 'docsAsset', 'redoc', 'console', 'consoleAsset', 'watchRun', 'watchRunSocket',
])
