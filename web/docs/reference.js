// The API as a page, from openapi.json alone. body[data-mode]: "read" shows it, "try" also sends
// requests. The token stays in the page's memory; nothing is loaded from elsewhere.

const trying = document.body.dataset.mode === 'try'
const main = document.querySelector('main')
const nav = document.querySelector('nav')

function h(tag, attributes, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === 'function') node.addEventListener(name, value)
    else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : value)
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined))
  return node
}

// Paragraphs and `code` are all the markup that descriptions use.
function words(text, tag = 'p') {
  return (text ?? '').split(/\n\s*\n/).filter(Boolean).map((paragraph) =>
    h(tag, {}, paragraph.split(/(`[^`]+`)/).map((part) =>
      part.startsWith('`') ? h('code', {}, part.slice(1, -1)) : part)))
}

class Reference {
  constructor(document) { this.document = document }

  // The thing behind a $ref, with the name it has.
  follow(thing) {
    if (!thing?.$ref) return thing
    const path = thing.$ref.slice(2).split('/').map((p) => p.replaceAll('~1', '/').replaceAll('~0', '~'))
    const found = path.reduce((at, key) => at?.[key], this.document)
    return { title: path.at(-1), ...found, ...Object.fromEntries(Object.entries(thing).filter(([k]) => k !== '$ref')) }
  }

  typeOf(schema) {
    const s = this.follow(schema) ?? {}
    if (s.const !== undefined) return JSON.stringify(s.const)
    if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(' | ')
    if (s.oneOf || s.anyOf) return (s.oneOf ?? s.anyOf).map((o) => this.typeOf(o)).join(' | ')
    if (s.type === 'array') return `array of ${this.typeOf(s.items ?? {})}`
    if (schema?.$ref) return s.title
    return [s.type ?? (s.properties || s.allOf ? 'object' : 'any')].flat().join(' | ')
  }

  limits(s) {
    const said = []
    if (s.default !== undefined) said.push(`default ${JSON.stringify(s.default)}`)
    if (s.minimum !== undefined) said.push(`at least ${s.minimum}`)
    if (s.exclusiveMinimum !== undefined) said.push(`more than ${s.exclusiveMinimum}`)
    if (s.maximum !== undefined) said.push(`at most ${s.maximum}`)
    if (s.maxLength !== undefined) said.push(`up to ${s.maxLength} characters`)
    return said.length ? ` (${said.join(', ')})` : ''
  }

  fields(schema, depth = 0) {
    const s = this.follow(schema) ?? {}
    const parts = [...(s.allOf ?? []), ...(s.oneOf ?? []), ...(s.anyOf ?? [])]
    if (parts.length) return parts.map((p) => this.choice(p, s.allOf, depth))
    if (s.type === 'array') return this.fields(s.items, depth)
    const properties = Object.entries(s.properties ?? {})
    if (!properties.length || depth > 4) return []
    return [h('dl', { class: 'fields' }, properties.map(([name, p]) => this.field(name, p, s, depth)))]
  }

  choice(part, all, depth) {
    const inner = this.fields(part, depth)
    if (all) return inner
    return h('details', {}, h('summary', {}, this.typeOf(part)), words(this.follow(part).description), inner)
  }

  field(name, property, parent, depth) {
    const p = this.follow(property)
    const inner = this.fields(property, depth + 1).flat()
    return [
      h('dt', {}, h('code', {}, name), ' ', h('span', { class: 'quiet' }, this.typeOf(property), this.limits(p),
        parent.required?.includes(name) ? ', required' : '')),
      h('dd', {}, words(p.description), inner.length ? h('details', {}, h('summary', {}, 'fields'), inner) : null),
    ]
  }
}

function parametersOf(ref, op) {
  return (op.parameters ?? []).map((p) => ref.follow(p))
}

function showParameters(ref, op) {
  const list = parametersOf(ref, op)
  if (!list.length) return null
  return [h('h4', {}, 'Parameters'), h('dl', { class: 'fields' }, list.map((p) => [
    h('dt', {}, h('code', {}, p.name), ' ', h('span', { class: 'quiet' }, `${p.in}, ${ref.typeOf(p.schema)}`,
      ref.limits(p.schema ?? {}), p.required ? ', required' : '')),
    h('dd', {}, words(p.description))]))]
}

function showBody(ref, content, heading) {
  return Object.entries(content ?? {}).map(([mime, c]) => [
    h('p', { class: 'quiet' }, `${heading}${mime}: ${ref.typeOf(c.schema ?? {})}`), ref.fields(c.schema)]).flat(2)
}

function showReplies(ref, op) {
  return [h('h4', {}, 'Replies'), Object.entries(op.responses ?? {}).map(([status, r]) => {
    const reply = ref.follow(r)
    return h('details', {}, h('summary', {}, h('code', {}, status), ' ', words(reply.description, 'span')),
      showBody(ref, reply.content, ''))
  })]
}

// An example of a body: the one the document gives, else the required fields.
function exampleOf(ref, op) {
  const json = ref.follow(op.requestBody)?.content?.['application/json']
  const given = json?.example ?? Object.values(json?.examples ?? {})[0]?.value
  return json ? JSON.stringify(given ?? {}, null, 2) : null
}

function addressOf(path, op, ref, form) {
  const query = new URLSearchParams()
  let filled = path
  for (const p of parametersOf(ref, op)) {
    const value = form.elements[`p-${p.in}-${p.name}`]?.value.trim()
    if (!value) continue
    if (p.in === 'path') filled = filled.replace(`{${p.name}}`, encodeURIComponent(value))
    if (p.in === 'query') query.set(p.name, value)
  }
  return `${filled.slice(1)}${query.size ? `?${query}` : ''}`
}

async function send(ref, method, path, op, form, out) {
  const headers = {}
  const token = document.querySelector('#token').value
  if (token) headers['X-Mantis-Token'] = token
  for (const p of parametersOf(ref, op)) {
    const value = form.elements[`p-${p.in}-${p.name}`]?.value.trim()
    if (p.in === 'header' && value) headers[p.name] = value
  }
  const body = form.elements.body?.value
  if (body) headers['Content-Type'] = 'application/json'
  out.textContent = 'sending …'
  try {
    const reply = await fetch(new URL(addressOf(path, op, ref, form), document.baseURI), { method, headers, body })
    const text = await reply.text()
    let shown = text
    try { shown = JSON.stringify(JSON.parse(text), null, 2) } catch { /* not every reply is JSON */ }
    out.textContent = `${reply.status} ${reply.statusText}\n\n${shown}`
  } catch (error) {
    out.textContent = `no reply: ${error.message}`
  }
}

function tryIt(ref, method, path, op) {
  const out = h('pre', { role: 'status', 'aria-label': 'Reply' })
  const input = (p) => {
    const id = `${op.operationId}-${p.in}-${p.name}`
    return [h('label', { for: id }, `${p.name} (${p.in})`),
      h('input', { id, name: `p-${p.in}-${p.name}`, required: p.in === 'path', autocomplete: 'off', spellcheck: 'false' })]
  }
  const example = exampleOf(ref, op)
  const form = h('form', {
    submit: (event) => {
      event.preventDefault()
      send(ref, method, path, op, form, out)
    },
  }, parametersOf(ref, op).map(input),
  example === null ? null : [h('label', { for: `${op.operationId}-body` }, 'Body (JSON)'),
    h('textarea', { id: `${op.operationId}-body`, name: 'body', spellcheck: 'false' }, example)],
  h('button', { type: 'submit' }, 'Send'))
  return h('details', {}, h('summary', {}, 'Send a request'), form, out)
}

function showOperation(ref, { method, path, op }) {
  return h('section', { class: 'op', id: op.operationId, 'aria-labelledby': `${op.operationId}-h` },
    h('h3', { id: `${op.operationId}-h` }, h('span', { class: `method ${method}` }, method), h('span', { class: 'path' }, path)),
    h('p', {}, h('strong', {}, op.summary)),
    words(op.description),
    h('p', { class: 'quiet' }, op['x-mantis-scopes'] ? `Scope: ${op['x-mantis-scopes'].join(' or ')}` : 'No token needed'),
    showParameters(ref, op),
    op.requestBody ? [h('h4', {}, 'Body'), showBody(ref, ref.follow(op.requestBody).content, '')] : null,
    showReplies(ref, op),
    trying ? tryIt(ref, method, path, op) : null)
}

function groups(document) {
  const byTag = new Map(document.tags.map((t) => [t.name, { tag: t, list: [] }]))
  for (const [path, item] of Object.entries(document.paths))
    for (const [method, op] of Object.entries(item))
      byTag.get(op.tags[0]).list.push({ method: method.toUpperCase(), path, op })
  return [...byTag.values()].filter((g) => g.list.length)
}

function show(document) {
  const ref = new Reference(document)
  const all = groups(document)
  nav.replaceChildren(...all.flatMap(({ tag, list }) => [h('h2', {}, tag.name),
    h('ul', {}, list.map(({ op }) => h('li', {}, h('a', { href: `#${op.operationId}` }, op.summary))))]))
  main.replaceChildren(h('h1', {}, `${document.info.title} ${document.info.version}`), ...words(document.info.description),
    h('p', {}, h('a', { href: 'openapi.json' }, 'openapi.json')),
    ...(trying ? [h('label', { for: 'token' }, 'Token (X-Mantis-Token), kept in this page only'),
      h('input', { id: 'token', type: 'password', autocomplete: 'off' })] : []),
    ...all.flatMap(({ tag, list }) => [h('h2', {}, tag.name), ...words(tag.description), ...list.map((o) => showOperation(ref, o))]))
  if (location.hash) window.document.getElementById(location.hash.slice(1))?.scrollIntoView()
}

try {
  const reply = await fetch(new URL('openapi.json', document.baseURI))
  if (!reply.ok) throw new Error(`the server answered ${reply.status}`)
  show(await reply.json())
} catch (error) {
  main.replaceChildren(h('p', { role: 'alert' }, `The API's description could not be read: ${error.message}`))
}
