// What can be said about a plan's text before the server is asked: is it JSON, and does it have steps.

const KEYS = ['steps', '_micro_plan', 'tasks']

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y
const CLOSES = { '{': '}', '[': ']' }

// Where the text stops being JSON; browsers do not all say. What may come next: a value, a key, or what
// follows one of them.
function stopsAt(text) {
  const open = []
  let next = 'value'
  for (TOKEN.lastIndex = 0; ;) {
    const from = TOKEN.lastIndex
    const [all, sign, string] = TOKEN.exec(text) ?? []
    const at = all === undefined ? from + /^\s*/.exec(text.slice(from))[0].length : TOKEN.lastIndex - all.trimStart().length
    const closing = sign === CLOSES[open.at(-1)] && open.length > 0
    if (all === undefined) return at
    if (closing && (next === 'end' || next === 'first key' || next === 'first value')) { open.pop(); next = 'end' }
    else if (next === 'end' && sign === ',' && open.length) next = open.at(-1) === '{' ? 'key' : 'value'
    else if (next.endsWith('key') && string) next = 'colon'
    else if (next === 'colon' && sign === ':') next = 'value'
    else if (next.endsWith('value') && CLOSES[sign]) { open.push(sign); next = sign === '{' ? 'first key' : 'first value' }
    else if (next.endsWith('value') && !sign) next = 'end'
    else return at
  }
}

function parse(text) {
  try {
    return { value: JSON.parse(text) }
  } catch {
    const at = stopsAt(text)
    const before = text.slice(0, at).split('\n')
    const found = text.slice(at, at + 12).split('\n')[0]
    return { problem: { text: `line ${before.length}, column ${before.at(-1).length + 1}: ${found ? `“${found}” does not belong here` : 'the text ends too early'}` } }
  }
}

const stepsOf = (plan) => (Array.isArray(plan) ? plan : KEYS.map((k) => plan?.[k]).find((v) => Array.isArray(v) && v.length))

function problemOfStep(step, i, tasks) {
  if (typeof step !== 'object' || step === null || Array.isArray(step)) return `step ${i + 1} is not an object`
  for (const key of tasks ? ['intent'] : ['type', 'intent'])
    if (typeof step[key] !== 'string' || !step[key].trim()) return `step ${i + 1}: '${key}' is missing or empty`
  return null
}

// {steps, named} of a plan that may be sent, named whether it has a name of its own; or {problem: {text}}, or {} of an empty text.
export function checkPlan(text) {
  if (!text.trim()) return {}
  const { value, problem } = parse(text)
  if (problem) return { problem }
  const steps = typeof value === 'object' && value !== null ? stepsOf(value) : undefined
  if (!steps) return { problem: { text: 'a plan is an array of steps, or an object with steps' } }
  if (!steps.length) return { problem: { text: 'there is no step' } }
  const tasks = !Array.isArray(value) && steps === value.tasks
  const first = steps.map((s, i) => problemOfStep(s, i, tasks)).find(Boolean)
  return first ? { problem: { text: first } } : { steps, named: Boolean(value.plan_name ?? value._plan_name) }
}
