// cases.mjs - black-box cases that name the section of the contract they check.
//
//   cases({ start, stop }, (check) => { check('http-api 4.2', 'an empty suite is refused', fn) })
//
// With MANTIS_LIST_CASES set nothing is started and each case is printed instead: CASES.md is made that
// way (list_cases.mjs), so the list cannot differ from what runs.

import { after, before, test } from 'node:test'

const listing = Boolean(process.env.MANTIS_LIST_CASES)

// Without ground no case can say anything, and what was started would keep this process from ending.
function giveUp(why) {
  console.error(why)
  process.exit(1)
}

// start() gives what every case is called with; stop(it) ends it.
export function cases({ start, stop }, define) {
  let ground
  if (!listing) {
    before(async () => { ground = await start().catch(giveUp) })
    after(async () => { if (ground) await stop(ground) })
  }
  define((section, title, fn) => {
    if (listing) console.log(`${section}\t${title}`)
    else test(`${section}: ${title}`, () => fn(ground))
  })
}
