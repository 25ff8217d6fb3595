// words.mjs - are two texts the same, when one of them was read from pixels?

const ALIKE = { 0: 'o', 1: 'l', 5: 's', 8: 'b', i: 'l', '|': 'l', '!': 'l' }

// What of a text counts: letters and digits, those that look alike as one.
export const plain = (text) => [...text.toLowerCase()].map((c) => ALIKE[c] ?? c).filter((c) => /[\p{L}\p{N}]/u.test(c)).join('')

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] !== b[j - 1])))
    row = next
  }
  return row[b.length]
}

// One letter in six may be wrong.
export function same(a, b) {
  a = plain(a)
  b = plain(b)
  if (!a || !b) return false
  const most = Math.floor(Math.max(a.length, b.length) / 6)
  return a === b || (Math.abs(a.length - b.length) <= most && distance(a, b) <= most)
}

// Where in a list of words the words of a text stand: [from, to), or null.
export function within(list, text) {
  for (let from = 0; from < list.length; from++)
    for (let to = from + 1, sum = ''; to <= list.length && sum.length <= text.length + 6; to++) {
      sum = list.slice(from, to).join(' ')
      if (same(sum, text)) return [from, to]
    }
  return null
}

export const quoted = (text) => [...text.matchAll(/["“]([^"”]+)["”]/g)].map((m) => m[1])
