// model_server.mjs - the scripted model server (tests/tools/model_server.h) as a test's own.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { bin, keep } from './harness.mjs'

// {url, sent(), stop()}; it ends with this process: its standard input is closed then.
export async function startModelServer(dir, script, ...options) {
  const file = path.join(dir, 'script.json'), record = path.join(dir, 'sent.jsonl')
  fs.writeFileSync(file, JSON.stringify(script))
  const program = process.env.MODEL_SERVER || path.join(path.dirname(bin), 'tests/model_server')
  const child = keep(spawn(program, [file, '--record', record, ...options], { stdio: ['pipe', 'pipe', 'pipe'] }))
  let said = ''
  child.stderr.on('data', (d) => { said += d })
  const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)))
  const url = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.stdout.once('data', (d) => resolve(String(d).trim()))
    ended.then((code) => reject(new Error(`model_server ended (${code}): ${said}`)))
  })
  return {
    url,
    // whole lines: the last one may be on its way
    sent: () => fs.readFileSync(record, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line)),
    stop: () => { child.stdin.end(); return ended },
  }
}
