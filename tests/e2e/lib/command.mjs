// command.mjs - a subcommand of the program, as a person or a pipeline calls it.

import { spawn } from 'node:child_process'
import { bin, slow, within } from './harness.mjs'

// `ended` resolves to its exit code, or the name of the signal that ended it.
export function startCommand(args, { env = {}, cwd } = {}) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', bin, ...args], {
    cwd, env: { PATH: process.env.PATH, MANTIS_REPO_ROOT: process.env.MANTIS_REPO_ROOT, ASAN_OPTIONS: process.env.ASAN_OPTIONS, MANTIS_API_TOKEN: 'token-of-the-test', ...env },
  })
  child.out = child.err = ''
  child.stdout.on('data', (d) => { child.out += d })
  child.stderr.on('data', (d) => { child.err += d })
  child.stdin.end()
  child.ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)))
  return child
}

export async function runCommand(args, { ms = 120000, ...options } = {}) {
  const child = startCommand(args, options)
  const code = await within(ms * slow, args.slice(0, 2).join(' '), child.ended)
  return { code, out: child.out, err: child.err }
}
