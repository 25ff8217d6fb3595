// coin_model.mjs - a model server whose model can do a task or cannot, which `can(task number)` decides. The task is
// "... (task N)"; whoever can presses the only button of the page by keyboard. Both say at once that they are done.

import http from 'node:http'

const press = (keys) => `I press ${keys}.\nkey_press(keys="${keys}")`
const done = 'It is done.\ndone(success=true, summary="The button was pressed.")'

function reply(text, turns, can) {
  if (text.includes('has to be typed or chosen in a form')) return '[]'
  if (text.includes('Somebody says that this task is done')) return '{"valid": true, "reason": "it says so"}'
  const task = /\(task (\d+)\)/.exec(text)?.[1]
  if (!task) return 'hi'
  turns[task] = (turns[task] || 0) + 1
  return can(Number(task)) ? [press('Tab'), press('Return')][turns[task] - 1] || done : done
}

export async function startCoinModel(can) {
  const turns = {}
  const server = http.createServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    const doc = req.method === 'GET' ? { object: 'list', data: [{ id: 'holo3', object: 'model' }] }
      : { model: 'holo3', usage: { prompt_tokens: 10, completion_tokens: 5 }, choices: [{ finish_reason: 'stop', message: { role: 'assistant', content: reply(body, turns, can) } }] }
    res.writeHead(200, { 'Content-Type': 'application/json' })
    res.end(JSON.stringify(doc))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, turns, stop: () => { server.close(); server.closeAllConnections() } }
}
