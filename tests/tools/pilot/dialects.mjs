// dialects.mjs - a request as what was said and shown, and an action as the model that is played would say it.

// --- requests ------------------------------------------------------------------------------------------

const parts = (content) => (typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []))

// Text and pictures of a content list, in order; results of tools are opened.
function* flat(content) {
  for (const p of parts(content)) {
    if (p.type === 'text') yield { text: p.text }
    else if (p.type === 'tool_result') yield* flat(p.content)
    else if (p.type === 'image') yield { image: Buffer.from(p.source.data, 'base64') }
    else if (p.type === 'image_url') yield { image: Buffer.from(p.image_url.url.replace(/^[^,]*,/, ''), 'base64') }
  }
}

// {text, images, tool, calls}: tool: the one that must answer; calls: its own of earlier turns, each with what came of it.
export function heard(body) {
  const users = body.messages.filter((m) => m.role === 'user')
  const said = users.flatMap((m) => [...flat(m.content)])
  const calls = []
  for (const [i, m] of body.messages.entries())
    for (const block of m.role === 'assistant' ? parts(m.content) : [])
      if (block.type === 'tool_use')
        calls.push({ ...block.input, name: block.name, came: [...flat(body.messages[i + 1]?.content)].map((p) => p.text ?? '').join('\n') })
  return {
    text: said.map((p) => p.text ?? '').filter(Boolean).join('\n'),
    images: said.filter((p) => p.image).map((p) => p.image),
    tool: body.tool_choice?.name ?? body.response_format?.json_schema?.name,
    acts: Boolean(body.tools?.some((t) => t.name === 'computer' || t.function)) || body.messages[0].role === 'system',
    calls,
  }
}

// '  2. click({"x":64,"y":210}) # why -> what came of it' of the recent actions.
function recent(text) {
  const lines = [...(text.split('Recent actions:')[1] ?? '').matchAll(/^ {2}\d+\. (\w+)\((\{.*?\})\)(?: # .*?)?(?: -> (.*))?$/gm)]
  const own = { click: 'click', type_text: 'type', scroll: 'scroll', key_press: 'key', wait: 'wait' }
  return lines.map(([, name, params, came = '']) => ({ action: own[name] ?? name, ...JSON.parse(params), came }))
}

// --- spaces --------------------------------------------------------------------------------------------

const snap = (v) => { // nearest, ties to even
  const q = v / 28, low = Math.floor(q)
  return Math.max(28, 28 * (q - low === 0.5 ? low + (low % 2) : Math.round(q)))
}

const spaces = {
  holo3: (w, h) => ({ w: snap(w), h: snap(h) }), // screens of up to 12.8 MP
  fara: () => ({ w: 1428, h: 896 }),
  claude: (w, h) => ({ w, h }),
}

// Points of a picture as the model says them, and back.
export function space(model, { width, height }) {
  const { w, h } = spaces[model](width, height)
  return {
    say: (p) => ({ x: Math.round((p.x * w) / width), y: Math.round((p.y * h) / height) }),
    mean: (p) => ({ x: (p.x * width) / w, y: (p.y * height) / h }),
  }
}

// What it did in this sub-goal so far, in pixels of the picture.
export function history(model, request, picture) {
  const { mean } = space(model, picture)
  const list = model === 'claude' && request.calls.length ? request.calls.map(fromComputer) : recent(request.text)
  return list.map((a) => (a.x === undefined ? a : { ...a, ...mean(a) }))
}

// What was done instead of what it said is told with the result: then it did not click. Typed was into the field that
// it meant.
function fromComputer(call) {
  const [, instead] = /^([\w-]+) was done instead/m.exec(call.came) ?? []
  if (instead) return { action: instead === 'force-fill' ? 'type' : instead, came: call.came }
  const [x, y] = call.coordinate ?? []
  const names = { left_click: 'click', type: 'type', scroll: 'scroll', key: 'key' }
  return { ...call, action: names[call.action] ?? call.name, ...(call.coordinate ? { x, y } : {}) }
}

// --- replies -------------------------------------------------------------------------------------------

const text = (v) => JSON.stringify(String(v))

const native = {
  click: (a) => `click(x=${a.x}, y=${a.y})`,
  type: (a) => `type_text(text=${text(a.text)})`,
  key: (a) => `key_press(keys=${text(a.keys)})`,
  scroll: (a) => `scroll(direction=${text(a.direction)}, amount=${a.amount})`,
  wait: (a) => `wait(seconds=${a.seconds})`,
  done: (a) => `done(success=${a.success ? 'True' : 'False'}, summary=${text(a.summary)})`,
}

const computerUse = {
  click: (a) => ({ action: 'left_click', coordinate: [a.x, a.y] }),
  type: (a) => ({ action: 'type', text: a.text }),
  key: (a) => ({ action: 'key', text: a.keys }),
  scroll: (a) => ({ action: 'scroll', coordinate: [a.x, a.y], scroll_direction: a.direction, scroll_amount: a.amount }),
  wait: (a) => ({ action: 'wait', duration: a.seconds }),
  done: (a) => ({ action: 'terminate', status: a.success ? 'success' : 'failure', summary: a.summary }),
}

const usage = { prompt_tokens: 1500, completion_tokens: 40, total_tokens: 1540 }
let serial = 0

const completion = (message) => ({
  id: `chatcmpl-${++serial}`, object: 'chat.completion', created: 0, model: 'pilot', usage,
  choices: [{ index: 0, finish_reason: message.tool_calls ? 'tool_calls' : 'stop', message: { role: 'assistant', ...message } }],
})

const messageOf = (content) => ({
  id: `msg_${++serial}`, type: 'message', role: 'assistant', model: 'pilot', content, stop_sequence: null,
  stop_reason: content.some((c) => c.type === 'tool_use') ? 'tool_use' : 'end_turn', usage: { input_tokens: 1500, output_tokens: 40 },
})

const toolUse = (name, input) => ({ type: 'tool_use', id: `toolu_${++serial}`, name, input })
const predicted = (a) => (a.action === 'click' ? '\nPredicted: frame_changed' : '')

const replies = {
  holo3: (a) => completion({ content: `${a.why ?? 'It is over.'}\n${native[a.action](a)}${predicted(a)}` }),
  fara: (a, tools) => {
    const input = JSON.stringify(computerUse[a.action](a))
    if (!tools) return completion({ content: `computer_use(${input})` })
    return completion({ content: a.why ?? '', tool_calls: [{ id: `call_${++serial}`, type: 'function', function: { name: 'computer_use', arguments: input } }] })
  },
  claude: (a) => {
    const tool = a.action === 'done' ? toolUse('done', { success: a.success, summary: a.summary })
      : a.action === 'wait' ? toolUse('wait', { seconds: a.seconds }) : toolUse('computer', computerUse[a.action](a))
    return messageOf([{ type: 'text', text: `${a.why ?? 'It is over.'}${predicted(a)}` }, tool])
  },
}

// The body of the reply; the action's point is one of the picture. tools: it was given any.
export function reply(model, picture, action, tools) {
  const at = action.x === undefined ? action : { ...action, ...space(model, picture).say(action) }
  return replies[model](at, tools)
}

// An answer to a question: in words, or as the input of the tool that was to be used.
export function answer(api, tool, value) {
  if (api === 'anthropic' && tool) return messageOf([toolUse(tool, value)])
  const words = typeof value === 'string' ? value : JSON.stringify(value)
  return api === 'anthropic' ? messageOf([{ type: 'text', text: words }]) : completion({ content: words })
}
