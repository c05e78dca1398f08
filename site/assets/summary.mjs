// What all rows together come to, in words: the line that screen readers announce, and the sentence above it.

/** How many rows of each title there are, the most frequent first. */
function counts(rows, wording) {
  const tally = new Map()
  for (const { title } of rows) tally.set(title, (tally.get(title) ?? 0) + 1)
  return [...tally]
    .sort((a, b) => b[1] - a[1])
    .map(([title, count]) => wording.ui('count', { title, count: wording.number(count) }))
}

/**
 * The line to be announced.
 * @param {Row[]} rows
 * @param {number} coming how many are yet to come
 */
export function summary(rows, coming, wording) {
  const files = rows.filter((row) => !row.named)
  const told = rows.filter((row) => row.named === 'told')
  const done = rows.filter((row) => row.done && row.named !== 'named').length
  const total = files.length + told.length + coming
  const numbers = { done: wording.number(done), total: wording.number(total) }
  if (done < total) return [wording.ui('progress', numbers), ...newer(rows, wording)].join(' ')
  // A list is no document: its rows say what it came to.
  const documents = told.length > 0 ? files.filter((row) => row.group !== 'list') : files
  return [ofFiles(documents, wording), ofTold(told, wording), ...newer(rows, wording)].filter(Boolean).join(' ')
}

function ofFiles(files, wording) {
  if (files.length === 0) return ''
  if (files.length === 1) return wording.ui('progressOne', { title: files[0].title })
  return wording.count('filesDone', files.length, { counts: wording.list(counts(files, wording)) })
}

/** Fingerprints that were looked up are no files. */
function ofTold(told, wording) {
  if (told.length === 0) return ''
  if (told.length === 1) return wording.of('files', 'toldOne', { title: told[0].title })
  return wording.count('toldDone', told.length, { counts: wording.list(counts(told, wording)) })
}

/** What has come of documents that were followed from those that they replace. */
function newer(rows, wording) {
  return rows.filter((row) => row.named === 'named' && row.done).map((row) => wording.ui('newerResult', { title: row.title }))
}

/** The sentence for whoever has many: how many of them are not simply good. */
export function overall(rows, coming, wording) {
  const total = wording.number(rows.length + coming)
  const count = rows.filter((row) => row.done && row.attention).length
  const finished = coming === 0 && rows.every((row) => row.done)
  if (count === 0) return finished ? wording.of('files', 'allWell') : ''
  return wording.count(finished ? 'attention' : 'attentionSoFar', count, { total })
}
