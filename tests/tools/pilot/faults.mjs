// faults.mjs - what goes wrong on demand, each once: 'rate_limit', 'crash', 'false_done', 'misclick', 'loop',
// 'missed_target' (a reader's point) and 'bad_advice' (the point of one who helps out of a loop).

const AWAY = 40 // px beside what was meant
const AGAIN = 3 // further times of the same click, on nothing
const BUSY_AT = 2 // requests with pictures
const CRASH_AT = [5, 2] // and for each fault: these make a flow longer
const CARD_AGAIN = 4 // answers in which the same card is missed: it may be looked for again before it is clicked

export class Faults {
  // told(name): it happened.
  constructor(names, told) {
    this.left = new Set(names)
    this.told = told
    this.count = 0
    this.crashAt = CRASH_AT[0] + CRASH_AT[1] * names.length
  }

  take(name, when = true) {
    if (!when || !this.left.delete(name)) return false
    this.told(name)
    return true
  }

  // Before anything is answered: a status, 'crash', or nothing.
  before() {
    this.count++
    if (this.take('rate_limit', this.count >= BUSY_AT)) return 429
    return this.take('crash', this.count >= this.crashAt) ? 'crash' : null
  }

  // The action that is said in the place of the right one.
  instead(a) {
    if (this.again > 0) {
      this.again--
      return this.stuck
    }
    if (this.take('false_done', a.action !== 'done')) return { action: 'done', success: true, summary: 'Everything is done and the page says so' }
    if (a.action !== 'click') return a
    if (this.take('misclick')) return this.beside(a)
    if (!this.take('loop')) return a
    Object.assign(this, { stuck: this.beside(a), again: AGAIN })
    return this.stuck
  }

  point(p) {
    return p.box && this.take('missed_target') ? this.beside(p) : p
  }

  advice(p) {
    return p.box && this.take('bad_advice') ? this.beside(p) : p
  }

  // Of a list: the first card that counts.
  card(c) {
    if (c.is_organic === false) return c
    if (this.missed === undefined && this.take('missed_target')) Object.assign(this, { missed: c.title, times: CARD_AGAIN })
    return c.title === this.missed && this.times-- > 0 ? this.beside(c) : c
  }

  beside(p) {
    return { ...p, x: p.box.x + p.box.w + AWAY }
  }
}
