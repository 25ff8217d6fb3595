// What can be said about a plan's text before the server is asked: is it JSON, and does it have steps.

const KEYS = ['steps', '_micro_plan', 'tasks']

// Where JSON.parse stopped, as {line, column}; null when the engine does not say.
function placeOf(message, text) {
  const at = /position (\d+)/.exec(message)
  if (!at) return null
  const before = text.slice(0, Number(at[1])).split('\n')
  return { line: before.length, column: before.at(-1).length + 1 }
}

function parse(text) {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    const place = placeOf(error.message, text)
    const what = error.message.replace(/ in JSON at position.*$/, '').replace(/^JSON\.parse: /, '')
    return { problem: { text: place ? `line ${place.line}, column ${place.column}: ${what}` : what, ...place } }
  }
}

const stepsOf = (plan) => (Array.isArray(plan) ? plan : KEYS.map((k) => plan?.[k]).find((v) => Array.isArray(v) && v.length))

function problemOfStep(step, i, tasks) {
  if (typeof step !== 'object' || step === null || Array.isArray(step)) return `step ${i + 1} is not an object`
  for (const key of tasks ? ['intent'] : ['type', 'intent'])
    if (typeof step[key] !== 'string' || !step[key].trim()) return `step ${i + 1}: '${key}' is missing or empty`
  return null
}

// {steps} of a plan that may be sent, or {problem: {text, line?, column?}}, or {} of an empty text.
export function checkPlan(text) {
  if (!text.trim()) return {}
  const { value, problem } = parse(text)
  if (problem) return { problem }
  const steps = typeof value === 'object' && value !== null ? stepsOf(value) : undefined
  if (!steps) return { problem: { text: 'a plan is an array of steps, or an object with steps' } }
  if (!steps.length) return { problem: { text: 'there is no step' } }
  const tasks = !Array.isArray(value) && steps === value.tasks
  const first = steps.map((s, i) => problemOfStep(s, i, tasks)).find(Boolean)
  return first ? { problem: { text: first } } : { steps }
}
