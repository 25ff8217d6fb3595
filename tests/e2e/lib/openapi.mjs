// openapi.mjs - is a reply what the server's own description says? Objects are taken as closed here: a
// field that a reply has and the description has not is a mistake, although callers may get new ones.

const copy = (value) => JSON.parse(JSON.stringify(value))

export class Description {
  constructor(document, Ajv, addFormats) {
    this.document = document
    this.operations = new Map()
    for (const [path, item] of Object.entries(document.paths))
      for (const [method, op] of Object.entries(item)) this.operations.set(op.operationId, { path, method: method.toUpperCase(), op })
    this.seen = new Map() // operationId -> statuses that were checked
    if (!Ajv) return
    this.ajv = new Ajv({ strict: false, allErrors: true })
    addFormats(this.ajv)
  }

  at(ref) { return ref.slice(2).split('/').reduce((at, key) => at[key.replaceAll('~1', '/').replaceAll('~0', '~')], this.document) }

  follow(thing) { return thing?.$ref ? this.at(thing.$ref) : thing }

  // Without references and allOf, every described object closed.
  closed(schema) {
    if (Array.isArray(schema)) return schema.map((s) => this.closed(s))
    if (schema === null || typeof schema !== 'object') return schema
    if (schema.$ref) return this.closed(this.at(schema.$ref))
    if (schema.allOf) {
      const parts = schema.allOf.map((s) => this.closed(s))
      return { ...parts.at(-1), properties: Object.assign({}, ...parts.map((p) => p.properties)), required: parts.flatMap((p) => p.required ?? []) }
    }
    const out = {}
    for (const [key, value] of Object.entries(schema))
      out[key] = key === 'properties' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.closed(v)]))
        : ['items', 'anyOf', 'oneOf', 'additionalProperties'].includes(key) ? this.closed(value) : copy(value)
    if (out.properties && out.additionalProperties === undefined) out.additionalProperties = false
    return out
  }

  // Complaints about a body under a schema of components, or any schema; [] none.
  complaints(schema, body) {
    const check = this.ajv.compile(this.closed(typeof schema === 'string' ? { $ref: `#/components/schemas/${schema}` } : schema))
    return check(body) ? [] : check.errors.map((e) => `${e.instancePath || '/'} ${e.message} ${JSON.stringify(e.params)}`)
  }

  // The same for a whole reply: status, type, headers and body. schema: which of several it must be.
  complaintsOfReply(operationId, reply, schema) {
    const { op } = this.operations.get(operationId)
    const described = this.follow(op.responses[reply.status])
    if (!described) return [`${operationId}: status ${reply.status} is not described (${reply.text.slice(0, 300)})`]
    this.seen.set(operationId, (this.seen.get(operationId) ?? new Set()).add(reply.status))
    const found = []
    if (!reply.headers.get('x-request-id')) found.push('there is no X-Request-Id')
    const type = reply.headers.get('content-type')
    const content = Object.entries(described.content ?? {}).find(([mime]) => mime === type)
    if (described.content && !content) found.push(`its type is '${type}', described are ${Object.keys(described.content)}`)
    if (content && type === 'application/json') found.push(...this.complaints(schema ?? content[1].schema, reply.json))
    return found.map((c) => `${operationId} ${reply.status}: ${c}`)
  }

  // Which operation a call is, and the complaints about what it sends.
  complaintsOfCall({ method, path, query = {}, headers = {}, body }) {
    const segments = path.split('/')
    const fits = (pattern) => pattern.split('/').length === segments.length &&
      pattern.split('/').every((p, i) => p.startsWith('{') || p === segments[i])
    const found = [...this.operations.values()].filter((o) => o.method === method && fits(o.path))
      .sort((a, b) => a.path.includes('{') - b.path.includes('{'))[0]
    if (!found) return { complaints: [`${method} ${path} is not described`] }
    const parameters = (found.op.parameters ?? []).map((p) => this.follow(p))
    const named = (where) => parameters.filter((p) => p.in === where).map((p) => p.name.toLowerCase())
    const fields = this.fieldsOf(found.op.requestBody?.content['application/json'].schema)
    const complaints = [
      ...Object.keys(query).filter((k) => !named('query').includes(k)).map((k) => `query '${k}'`),
      ...Object.keys(headers).filter((k) => !named('header').includes(k)).map((k) => `header '${k}'`),
      ...Object.keys(body ?? {}).filter((k) => !fields.has(k)).map((k) => `field '${k}'`),
    ].map((c) => `${method} ${path}: ${c} is not described`)
    return { operationId: found.op.operationId, complaints }
  }

  fieldsOf(schema) {
    const s = this.follow(schema) ?? {}
    const parts = [...(s.allOf ?? []), ...(s.anyOf ?? []), ...(s.oneOf ?? [])]
    return new Set([...Object.keys(s.properties ?? {}), ...parts.flatMap((p) => [...this.fieldsOf(p)])])
  }
}
