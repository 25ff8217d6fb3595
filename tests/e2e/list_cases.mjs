// list_cases.mjs - print CASES.md: every black-box case with the section of the contract it checks.
//
//   node tests/e2e/list_cases.mjs > tests/e2e/CASES.md      make it
//   node tests/e2e/list_cases.mjs --check                   is it what the tests say?

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const dir = path.join(here, 'cases')
const list = path.join(here, 'CASES.md')

const found = []
for (const file of fs.readdirSync(dir).filter((f) => f.endsWith('.test.mjs')).sort()) {
  const out = execFileSync(process.execPath, [path.join(dir, file)], { env: { ...process.env, MANTIS_LIST_CASES: '1' }, encoding: 'utf8' })
  for (const line of out.split('\n')) {
    const [section, title] = line.split('\t')
    if (title) found.push({ section, title, file })
  }
}

const order = (s) => s.replace(/\d+/g, (n) => n.padStart(3, '0'))
found.sort((a, b) => order(a.section).localeCompare(order(b.section)) || a.file.localeCompare(b.file))

let text = `# Black-box cases\n\n${found.length} cases, made by \`list_cases.mjs\` from the tests themselves.\n`
let section = null
for (const c of found) {
  if (c.section !== section) text += `\n## ${c.section}\n\n`
  section = c.section
  text += `- ${c.title} (${c.file.replace('.test.mjs', '')})\n`
}

if (process.argv[2] === '--check') {
  const same = fs.existsSync(list) && fs.readFileSync(list, 'utf8') === text
  if (!same) console.error('tests/e2e/CASES.md is not what the tests say: node tests/e2e/list_cases.mjs > tests/e2e/CASES.md')
  process.exit(same ? 0 : 1)
}
process.stdout.write(text)
